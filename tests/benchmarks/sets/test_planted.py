import pytest
import torch

from benchmarks.sets.planted import backgrounds, lesions, planted_set, textured_stack, window


@pytest.fixture(scope="module")
def stacks():
    return backgrounds(None)


def test_lesions_lie_where_they_are_said_to_lie(stacks):
    plain = planted_set(30, 1, stacks.test, contrast=0.0)
    cases = planted_set(30, 1, stacks.test, contrast=50.0)

    changed = (cases.images - plain.images).abs().amax(dim=(1, 2, 3)) > 5.0

    assert cases.images.shape == (30, 1, 28, 28, 24)
    assert torch.equal(changed, cases.evidence)
    assert cases.evidence.sum(dim=1).tolist() == [3] * 30


def test_the_two_lesions_have_one_energy():
    disc, ring = lesions()

    assert disc.square().sum().item() == pytest.approx(ring.square().sum().item(), rel=1e-5)
    assert disc[4, 4] > 0.9
    assert ring[4, 4] < 0.01


def test_backgrounds_of_wheels_are_real_and_apart(stacks):
    assert stacks.sources["mr"].startswith("anatomical.nii")
    assert stacks.sources["ct"].startswith("CT_small.dcm")
    assert stacks.sources["echo"].startswith("examples_ybr_color.dcm")
    assert all(not torch.equal(stacks.train[kind][0], stacks.test[kind][0]) for kind in stacks.train)


def test_missing_files_give_texture_and_say_so(monkeypatch):
    monkeypatch.setattr("pydicom.data.get_testdata_file", lambda name, download: None)

    found = backgrounds(None)

    assert found.sources["ct"] == "self-made texture (the pydicom wheel has no CT_small.dcm)"
    assert torch.equal(found.train["echo"][0], textured_stack(0))


def test_volumes_under_the_root_are_split_by_subject(tmp_path):
    from monai_das.datasets import write_nifti

    rows = ["id,subject_guess,image"]
    for number in range(4):
        write_nifti(torch.rand(25, 50, 30).numpy(), tmp_path / "hippocampus" / f"{number}.nii.gz")
        rows.append(f"{number},{number // 2},{number}.nii.gz")
    (tmp_path / "hippocampus" / "index.csv").write_text("\n".join(rows))

    found = backgrounds(tmp_path)

    assert found.sources["mr"] == "hippocampus, 2 volumes for training and 2 for the test, by subject"
    assert found.train["mr"][0].shape == (30, 50, 30)


def test_windows_without_texture_are_drawn_again():
    stack = torch.zeros(28, 400, 30)
    stack[:, 350:] = torch.randn(28, 50, 30)

    image = window([stack], torch.Generator().manual_seed(0))

    assert image.shape == (28, 28, 24)
    assert float(image.std()) == pytest.approx(1.0, abs=0.1)
