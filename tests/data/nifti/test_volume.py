from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from monai_das.data import read_volume
from monai_das.datasets import write_nifti

NIBABEL_DATA = Path(nibabel.__file__).parent / "tests" / "data"


def test_a_single_time_point_in_four_dimensions_is_a_volume(tmp_path, volume):
    write_nifti(volume, tmp_path / "a.nii")
    nibabel.save(nibabel.Nifti1Image(volume[..., None], np.eye(4)), tmp_path / "b.nii")

    assert torch.equal(
        read_volume(tmp_path / "a.nii").image.as_tensor(), read_volume(tmp_path / "b.nii").image.as_tensor()
    )


def test_four_dimensional_nifti_is_refused():
    with pytest.raises(ValueError, match=r"example4d.nii.gz: a NIfTI file of shape \(128, 96, 24, 2\)"):
        read_volume(NIBABEL_DATA / "example4d.nii.gz")


@pytest.mark.parametrize(
    ("kind", "name"), [(np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), "RGB"), (np.dtype("complex64"), "complex")]
)
def test_nifti_that_holds_no_real_numbers_is_refused(tmp_path, kind, name):
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), kind), np.eye(4)), tmp_path / "odd.nii.gz")

    with pytest.raises(ValueError, match=rf"odd.nii.gz: a NIfTI file with colours .* \({name}\); give one real number"):
        read_volume(tmp_path / "odd.nii.gz")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.nii", r"the header tells of \(20, 20, 20\) voxels, 15.6 KiB, but the file has 4.88 KiB; it is cut off"),
        ("cut.nii.gz", "the NIfTI file cannot be read: the data end too early.*"),
    ],
)
def test_a_nifti_cut_off_is_named(tmp_path, name, words):
    write_nifti(np.random.default_rng(0).integers(0, 99, (20, 20, 20), dtype=np.int16), tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:5000])

    with pytest.raises(ValueError, match=rf"{name}: {words}.* copy it again"):
        read_volume(tmp_path / name)


def test_text_named_as_nifti_is_named(tmp_path):
    (tmp_path / "text.nii").write_text("no image")

    with pytest.raises(ValueError, match=r"text.nii: the NIfTI file cannot be read"):
        read_volume(tmp_path / "text.nii")


def test_a_missing_nifti_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.nii: no such file"):
        read_volume(tmp_path / "none.nii")
