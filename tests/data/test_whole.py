"""Arrays as sources."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_das.data import SliceRef, open_source, read_volume
from monai_das.datasets import write_nifti


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, MetaTensor])
def test_an_array_is_a_source_of_its_slices(volume, kind):
    array = volume[None]

    source = open_source(kind(array))

    assert (source.kind, source.channels, source.plane_shape, len(source)) == ("array", 1, (6, 5), 4)
    assert source.read([2, 0]).dtype == torch.float32
    assert np.array_equal(source.read([2, 0]), array[..., [2, 0]])
    assert np.array_equal(source.read_all(), array)
    assert source.affine is None
    assert source.refs == tuple(SliceRef(index) for index in range(4))


def test_an_array_has_the_thumbnails_of_a_file(volume, tmp_path):
    write_nifti(volume, tmp_path / "volume.nii")

    assert torch.equal(open_source(volume[None]).thumbnails(3), open_source(tmp_path / "volume.nii").thumbnails(3))


def test_the_affine_of_a_metatensor_places_its_slices(series):
    case = read_volume(series)

    source = open_source(case.image)

    assert np.array_equal(source.affine, case.image.affine)
    for found, expected in zip(source.refs, case.refs, strict=True):
        assert found.position_mm == pytest.approx(expected.position_mm)


def test_half_precision_and_booleans_are_read():
    assert open_source(torch.ones(1, 2, 2, 2, dtype=torch.bfloat16)).read([0]).sum() == 4
    assert open_source(np.ones((1, 2, 2, 2), dtype=bool)).read([0]).sum() == 4


def test_an_array_is_read_as_a_volume(volume):
    case = read_volume(volume[None])

    assert (case.kind, case.has_anatomy) == ("array", False)
    assert np.array_equal(case.image, volume[None])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((6, 5, 4), r"must be \(C, H, W, D\), got \(6, 5, 4\); add a channel axis: array\[None\]"),
        ((2, 1, 6, 5, 4), r"must be \(C, H, W, D\), got \(2, 1, 6, 5, 4\); give one volume, its slices last"),
        ((1, 6, 5, 0), r"must be \(C, H, W, D\), got \(1, 6, 5, 0\); give one volume"),
    ],
)
@pytest.mark.parametrize("make", [np.zeros, torch.zeros])
def test_an_array_that_is_no_volume_is_refused(make, shape, message):
    with pytest.raises(ValueError, match=message):
        open_source(make(shape))


@pytest.mark.parametrize("array", [np.zeros((1, 2, 2, 2), complex), torch.zeros(1, 2, 2, 2, dtype=torch.complex64)])
def test_an_array_of_complex_numbers_is_refused(array):
    with pytest.raises(ValueError, match=r"must hold real numbers, got complex\d+; give magnitude or luminance"):
        open_source(array)


def test_an_array_leaves_nothing_to_choose(volume):
    with pytest.raises(ValueError, match=r"an array is one volume, got choose={'time_point': 1}; take that part"):
        open_source(volume[None], {"time_point": 1})
