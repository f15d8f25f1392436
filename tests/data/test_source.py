import json

import numpy as np
import pytest
import torch

from monai_das.data import SliceRef, StudyError, open_source
from monai_das.datasets import make_sample_volumes, write_nifti


@pytest.fixture
def source(tmp_path):
    write_nifti(make_sample_volumes(1, 32)[0]["image"][0], tmp_path / "case.nii.gz")
    return open_source(tmp_path / "case.nii.gz")


def test_slices_are_read_in_the_order_asked_for(source):
    torch.testing.assert_close(source.read([5, 3]), source.read_all().as_tensor()[..., [5, 3]])


def test_a_slice_beyond_the_last_is_named(source):
    with pytest.raises(ValueError, match=r"case.nii.gz: slice 32 asked for, there are slices 0 to 31"):
        source.read([1, 32])


def test_thumbnails_cover_the_same_field_of_view(source):
    corners = np.array([[-0.5, -0.5, 0, 1], [31.5, 31.5, 31, 1]]).T
    small = np.array([[-0.5, -0.5, 0, 1], [7.5, 7.5, 31, 1]]).T

    np.testing.assert_allclose(source.thumbnail_affine(8) @ small, source.full_affine() @ corners)
    assert source.thumbnails(8).shape == (1, 8, 8, 32)


def test_what_json_gives_back_is_the_dictionary():
    found = SliceRef(3, "1.2.3", 4, (1.0, 2.0, 3.0), 5.0).to_dict()

    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["index", "sop_instance_uid", "frame", "position_mm", "time_ms", "instance_number"]


def test_what_is_not_known_is_none():
    assert set(SliceRef(0).to_dict().values()) == {0, None}


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 2, 9, 4), (1, 9, 2, 4)])
def test_slices_that_are_too_small_to_be_looked_at_are_an_error(shape):
    source = open_source(np.zeros(shape, np.float32))

    with pytest.raises(
        StudyError, match=rf"array: slices of {shape[1]} x {shape[2]} pixels, 3 x 3 at least; give them"
    ):
        source.thumbnails(8)


@pytest.mark.parametrize("shape", [(1, 3, 3, 1), (1, 3, 200, 2)])
def test_the_smallest_slices_and_a_stack_of_one_are_read(shape):
    source = open_source(np.ones(shape, np.float32))

    assert source.thumbnails(8).shape == (1, 8, 8, shape[3])
    assert source.read([0]).shape == (*shape[:3], 1)
