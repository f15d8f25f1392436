"""Which slices are read, and that this makes no difference to the answer."""

import json
import shutil

import numpy as np
import pytest
import torch
from monai.transforms import CenterSpatialCropd, Compose, NormalizeIntensityd, Resized

from monai_das.data import open_source
from monai_das.datasets import compress_dicom_series, write_dicom_series, write_nifti
from monai_das.inference import DASLazyInferer, LoadImageSelectedd, Predictor
from monai_das.inference.lazy_reading import unsure
from monai_das.inference.steps import allows_parts, flat_steps
from monai_das.reports.drawing import CaseDrawing
from monai_das.samplers import DASPaperSampler
from monai_das.samplers.selection import new_selection, one_hot_rows
from monai_das.transforms import DASScaleIntensityd, SliceAxisd
from tests.contract.contracts import edit_metadata, hold_contract


def selected_indices(result):
    return [each.index for each in result.selected]


@pytest.fixture
def large(tmp_path):
    """A file of 30 slices of 128 x 192 pixels, stored from head to feet."""
    volume = np.random.RandomState(2).rand(128, 192, 30) * np.random.RandomState(3).permutation(30)
    write_nifti(volume.astype(np.float32), tmp_path / "large.nii", (0.5, 0.5, -2.0))
    return tmp_path / "large.nii"


def edited(bundle, folder, **items):
    """A copy of the bundle with items of its inference config changed."""
    shutil.copytree(bundle, folder)
    path = folder / "configs" / "inference.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | items))
    return folder


def test_only_the_selected_slices_are_read(predictor, counted, large):
    source = counted(large)

    result = predictor.predict(source)

    assert source.read_slices == selected_indices(result)
    assert len(source.read_slices) == 4


def test_reading_whole_gives_the_same_answer(random_bundle, predictor, counted, large, tmp_path, monkeypatch):
    source = counted(large)
    few = predictor.predict(source)
    source.read_slices.clear()
    monkeypatch.setattr("monai_das.inference.lazy_reading.allows_parts", lambda steps, source: False)

    whole = predictor.predict(source)

    assert len(source.read_slices) == 30
    assert selected_indices(few) == selected_indices(whole)
    assert list(few.probabilities.values()) == pytest.approx(list(whole.probabilities.values()), abs=1e-5)
    assert few.scores == pytest.approx(whole.scores, abs=1e-5)
    assert [each.ref for each in few.selected] == [each.ref for each in whole.selected]
    assert np.allclose(few.network_view.slices.astype(int), whole.network_view.slices, atol=1)


def test_a_sampler_may_repeat_slices(random_bundle, counted, large):
    predictor = Predictor(random_bundle)
    predictor.model.network.sampler = DASPaperSampler(num_slices=6).eval()
    source = counted(large)

    result = predictor.predict(source)

    assert source.read_slices == selected_indices(result)
    assert len(result.sampling_indices) == 6
    assert set(result.sampling_indices) == set(selected_indices(result))


@pytest.mark.parametrize("axis", ["coronal", "sagittal"])
def test_a_plane_that_was_not_acquired_is_read_whole(random_bundle, counted, large, axis, tmp_path):
    source = counted(large)

    bundle = edited(random_bundle, tmp_path / "b")
    edit_metadata(bundle, lambda metadata: metadata["settings"].update(slice_axis=axis))
    hold_contract(bundle)

    result = Predictor(bundle, num_slices=4).predict(source)

    assert len(source.read_slices) == 30
    assert result.total_slices == {"coronal": 192, "sagittal": 128}[axis]
    assert len(result.refs) == len(list(CaseDrawing(result, source).previews(64))) == result.total_slices


RESIZED = Resized("image", (64, 64, -1))


@pytest.mark.parametrize(
    ("steps", "allowed"),
    [
        ([RESIZED, DASScaleIntensityd("image")], True),
        ([SliceAxisd("image", axis="acquired")], True),
        ([SliceAxisd("image", axis="coronal")], False),
        ([NormalizeIntensityd("image")], False),
        ([Resized("image", (64, 64, 32))], False),
        ([Resized("image", 64, size_mode="longest")], False),
        ([CenterSpatialCropd("image", (8, 8, 8))], False),
        ([lambda data: data], False),
    ],
)
def test_transforms_that_may_look_at_the_whole_need_the_whole(counted, nifti, steps, allowed):
    assert allows_parts(steps, counted(nifti)) is allowed


def test_own_transforms_say_that_they_are_slicewise(counted, nifti):
    class Inverted:
        slicewise = True

    assert allows_parts([Inverted()], counted(nifti))


def test_steps_that_load_are_left_out():
    class DASLoadImaged:
        def __call__(self, data):
            return data

    assert flat_steps(Compose([DASLoadImaged(), Compose([RESIZED])])) == (RESIZED,)
    assert flat_steps(RESIZED) == (RESIZED,)


def test_an_open_source_is_named_by_its_path(predictor, counted, large):
    result = predictor.predict(counted(large), opening_ms=1000.0)

    assert result.case_id == "large.nii"
    assert 1000.0 <= result.timings.read < 2000.0


def test_the_transform_gives_what_the_network_gives(predictor, nifti, counted):
    network, source = predictor.model.network, counted(nifti)
    load = LoadImageSelectedd("image", network, predictor.model.preprocessing)

    item = load({"image": source, "label": 1})

    selection = {name: values[None] for name, values in item["image_selection"].items()}
    with torch.inference_mode():
        logits = DASLazyInferer()(item["image"][None], network, selection=selection)
    result = predictor.predict(nifti)
    assert item["label"] == 1
    assert item["image"].shape == (1, 64, 64, 4)
    assert sorted(item["image_slices"].tolist()) == selected_indices(result) == source.read_slices
    assert logits.softmax(dim=1)[0].tolist() == pytest.approx(list(result.probabilities.values()), abs=1e-6)


def test_the_transform_scores_in_eval_and_leaves_the_network_as_it_was(predictor, nifti):
    network = predictor.model.network.train()
    try:
        first, second = (LoadImageSelectedd("image", network, [])({"image": str(nifti)}) for _ in range(2))
        training = network.training
    finally:
        network.eval()

    assert training
    assert torch.equal(first["image"], second["image"])
    assert first["image_slices"].tolist() == second["image_slices"].tolist()


def test_a_study_smaller_than_the_budget_names_its_slices_once(random_bundle, nifti):
    network = Predictor(random_bundle, num_slices=20).model.network

    item = LoadImageSelectedd("image", network, [])({"image": nifti})

    assert item["image"].shape[-1] == 20
    assert item["image_slices"].tolist() == list(range(12))
    assert item["image_selection"]["kept"].sum() == 12


def test_the_inferer_wants_a_selection(predictor):
    with pytest.raises(ValueError, match="DASLazyInferer needs the selection that LoadImageSelectedd made"):
        DASLazyInferer()(torch.rand(1, 1, 64, 64, 4), predictor.model.network)


def test_coarse_wavelets_select_and_answer_as_decoded_slices_do(predictor, tmp_path):
    """Sharp edges: the coarse levels overshoot, and a range taken from them would darken everything."""
    pytest.importorskip("pylibjpeg")
    random = np.random.default_rng(0)
    volume = np.zeros((256, 256, 10), np.int16)
    for index, side in enumerate(random.permutation(10) * 10 + 90):
        volume[20 : 20 + side, 40 : 40 + side, index] = 1000
    write_dicom_series(volume, tmp_path / "series")
    exact = predictor.predict(tmp_path / "series")
    compress_dicom_series(tmp_path / "series", "j2k")
    source = open_source(tmp_path / "series")

    cheap = predictor.predict(source)

    assert not source.exact_thumbnails
    assert float(source.thumbnails(64).max()) == 1000.0
    assert selected_indices(cheap) == selected_indices(exact)
    assert list(cheap.probabilities.values()) == pytest.approx(list(exact.probabilities.values()), abs=2e-4)


@pytest.mark.parametrize(("scores", "wanted"), [([0.0, 5.0, 0.0, 5.0], False), ([0.0, 0.05, 1.0, 5.0], True)])
def test_drawings_decide_only_where_no_other_slice_has_a_close_score(scores, wanted):
    indices, kept = torch.tensor([[1, 3]]), torch.ones(1, 2, dtype=torch.bool)

    selection = new_selection(one_hot_rows(indices, kept, 4), indices, kept, torch.tensor([scores]))

    assert unsure(selection) == wanted
