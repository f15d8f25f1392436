from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from pydicom import dcmread

from monai_das.datasets import make_sample_volumes, write_dicom_series, write_nifti
from monai_das.inference import Predictor


def test_sample_volumes_are_masks_of_two_classes_with_empty_slices():
    items = make_sample_volumes(6, size=32)

    assert [item["label"] for item in items] == [0, 1, 0, 1, 0, 1]
    volumes = [float((item["image"] > 0).mean()) for item in items]
    assert sum(volumes[::2]) < sum(volumes[1::2])
    for item in items:
        assert item["image"].shape == (1, 32, 32, 32)
        assert set(np.unique(item["image"])) == {0, 255}
        assert 0.1 < item["image"].any(axis=(0, 1, 2)).mean() < 0.75


@pytest.mark.parametrize("seed", [0, 1])
def test_the_bundle_made_for_such_masks_is_right_in_five_of_six(seed):
    network = Predictor(Path(__file__).parents[2] / "bundle").model.network

    right = 0
    for case in make_sample_volumes(6, seed=seed):
        with torch.no_grad():
            logits = network(torch.from_numpy(case["image"][None] / 255.0).float())
        right += int(logits.argmax()) == case["label"]

    assert right >= 5


def test_equal_seeds_give_equal_volumes():
    first, again, other = (make_sample_volumes(1, 16, seed)[0]["image"] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("arguments", [(-1, 64), (1, 4)])
def test_impossible_samples_are_refused(arguments):
    with pytest.raises(ValueError, match="num must be at least 0 and size at least 8"):
        make_sample_volumes(*arguments)


def test_nifti_keeps_values_and_spacing(tmp_path, volume):
    write_nifti(volume, tmp_path / "new" / "volume.nii.gz", spacing=(1.0, 2.0, 3.0))

    image = nibabel.load(tmp_path / "new" / "volume.nii.gz")
    assert np.array_equal(image.dataobj, volume)
    assert image.header.get_zooms() == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_a_series_stands_as_a_viewer_expects_it(tmp_path, dtype):
    volume = np.random.default_rng(0).integers(0, 200, (6, 5, 3)).astype(dtype)

    uids = write_dicom_series(volume, tmp_path, spacing=(1.0, 2.0, 3.0), patient_id="P1")

    images = {tags.SOPInstanceUID: tags for tags in map(dcmread, tmp_path.iterdir())}
    last = images[uids[2]]
    # a viewer shows the patient's right on the left, the front on top
    assert last.pixel_array[0, 0] == volume[-1, -1, 2]
    assert last.pixel_array[-1, 0] == volume[-1, 0, 2]
    assert list(last.PixelSpacing) == [2.0, 1.0]
    assert last.PatientID == "P1"
    assert sorted(tags.InstanceNumber for tags in images.values()) == [1, 2, 3]


def test_names_and_numbers_do_not_tell_the_order(tmp_path):
    uids = write_dicom_series(np.zeros((4, 4, 20), dtype=np.uint8), tmp_path)

    images = [dcmread(path) for path in sorted(tmp_path.iterdir())]
    assert [tags.SOPInstanceUID for tags in images] != uids
    assert [tags.SOPInstanceUID for tags in sorted(images, key=lambda tags: tags.InstanceNumber)] != uids


def test_only_nifti_names_are_written(tmp_path, volume):
    with pytest.raises(ValueError, match=r"path must end in .nii or .nii.gz, got .*volume.mha"):
        write_nifti(volume, tmp_path / "volume.mha")


@pytest.mark.parametrize("write", [write_nifti, write_dicom_series])
def test_only_volumes_are_written(tmp_path, volume, write):
    with pytest.raises(ValueError, match=r"volume must be \(H, W, D\), got \(1, 6, 5, 4\); take one channel"):
        write(volume[None], tmp_path / "out.nii")


def test_only_whole_numbers_become_dicom(tmp_path, volume):
    with pytest.raises(ValueError, match="must be uint8, uint16 or int16, got float32; convert it"):
        write_dicom_series(volume.astype(np.float32), tmp_path)
