"""A bundle is opened from a folder, a zip or TorchScript, and a zip can do no harm."""

import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from monai_das.inference import Predictor, bundle_class_names, packaged_bundle
from monai_das.inference.bundle_files import unpack_bundle

ROOT = Path(__file__).parents[2]
MARK = "NAME/configs/metadata.json"


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def zipped(random_bundle, tmp_path):
    """As ``scripts/release.sh`` packs it: one folder at the top."""
    shutil.copytree(random_bundle, tmp_path / "in" / "NAME")
    return Path(shutil.make_archive(str(tmp_path / "NAME_v1"), "zip", tmp_path / "in"))


def test_folder_zip_and_torchscript_are_one_bundle(random_bundle, zipped, scripted, nifti):
    folder, packed, script = (Predictor(each).predict(nifti) for each in (random_bundle, zipped, scripted))

    assert packed.probabilities == folder.probabilities
    assert packed.model == folder.model
    assert script.sampling_indices == folder.sampling_indices
    assert {bundle_class_names(each) for each in (random_bundle, zipped, scripted)} == {("normal", "hyperplasia")}


def test_in_a_checkout_the_package_brings_the_checkouts_bundle():
    assert packaged_bundle() == ROOT / "bundle"


def test_a_package_without_its_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr("monai_das.__file__", str(tmp_path / "monai_das" / "__init__.py"))

    with pytest.raises(FileNotFoundError, match=r"monai_das came without its bundle; give --bundle, or install"):
        packaged_bundle()


def test_a_wheel_brings_its_own_copy(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "bundle" / "configs", tmp_path / "monai_das" / "_bundle" / "configs")
    monkeypatch.setattr("monai_das.__file__", str(tmp_path / "monai_das" / "__init__.py"))

    assert packaged_bundle() == tmp_path / "monai_das" / "_bundle"


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere is not a bundle: no such file or folder; give a folder, a"):
        Predictor(tmp_path / "nowhere")


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")

    with pytest.raises(ValueError, match=r"onnx is not a bundle: give a folder, a \.zip of one, or a TorchScript \.ts"):
        Predictor(tmp_path / "model.onnx")


def test_an_error_about_an_unpacked_file_names_the_zip(tmp_path):
    path = zip_of(tmp_path / "some.zip", {MARK: "{}", "NAME/configs/inference.json": '{"network_def": 1}'})

    with pytest.raises(ValueError, match=r"some\.zip.NAME.configs.metadata\.json has no network_data_format"):
        Predictor(path)


def test_a_broken_zip(tmp_path):
    (tmp_path / "some.zip").write_bytes(b"PK no zip")

    with pytest.raises(ValueError, match=r"some\.zip is no whole zip: .*; fetch it again"):
        Predictor(tmp_path / "some.zip")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"README.md": ""}, r"some\.zip holds 0 bundles, not one: it must have one configs/metadata\.json"),
        ({MARK: "", "OTHER/configs/metadata.json": ""}, r"some\.zip holds 2 bundles, not one"),
        ({"deep/er/configs/metadata.json": ""}, r"some\.zip holds 0 bundles, not one"),
        ({MARK: "", "NAME/../../out": ""}, r"some\.zip is unsafe: its entry 'NAME/../../out' leads out of the folder"),
        ({"configs/metadata.json": "", "/out": ""}, "is unsafe: its entry '/out' leads out of the folder"),
        ({"configs/metadata.json": "", "C:/out": ""}, "is unsafe: its entry 'C:/out' leads out of the folder"),
        ({"configs/metadata.json": "", "a\\..\\out": ""}, "is unsafe: its entry .* leads out of the folder"),
        ({MARK: "", "NAME/large": "x" * 999}, "some.zip would unpack to 999 bytes; at most 500 are taken"),
    ],
)
def test_a_zip_that_is_refused_leaves_nothing(tmp_path, entries, message):
    path = zip_of(tmp_path / "some.zip", entries)
    (tmp_path / "out").mkdir()

    with pytest.raises(ValueError, match=message):
        unpack_bundle(path, tmp_path / "out", max_bytes=500)

    assert sorted(each.name for each in tmp_path.rglob("*")) == ["out", "some.zip"]


def test_a_link_in_a_zip(tmp_path):
    link = zipfile.ZipInfo("NAME/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zip_of(tmp_path / "some.zip", {MARK: "{}", link: "/etc"})

    with pytest.raises(ValueError, match=r"some\.zip is unsafe: its entry 'NAME/link' is a link"):
        unpack_bundle(path, tmp_path)


def test_a_size_that_lies_is_noticed(tmp_path):
    path = zip_of(tmp_path / "some.zip", {MARK: "x" * 999})
    size = (999).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (9).to_bytes(4, "little")))

    with pytest.raises(ValueError, match=r"some\.zip is no whole zip"):
        unpack_bundle(path, tmp_path)


def test_other_files_of_a_zip_stay_in_it(tmp_path):
    path = zip_of(tmp_path / "some.zip", {MARK: "{}", "OTHER/file": ""})

    folder = unpack_bundle(path, tmp_path)

    assert folder == tmp_path / "NAME"
    assert not (tmp_path / "OTHER").exists()


def test_class_names_of_what_is_no_torchscript(tmp_path):
    (tmp_path / "model.ts").write_bytes(b"none")

    with pytest.raises(ValueError, match=r"model\.ts is no TorchScript"):
        bundle_class_names(tmp_path / "model.ts")
