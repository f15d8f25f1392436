"""A few evenly spaced frames of a clip, as MONAI's loader gives them."""

import numpy as np
import pytest
import torch
from monai.transforms import LoadImage

pytest.importorskip("av")

from monai_das.data import DASClipReader, open_source
from monai_das.datasets import make_sample_volumes, write_nifti
from tests.data.video_clips import moving_bars, write_video


def load(path, **options):
    return LoadImage(reader="monai_das.data.DASClipReader", ensure_channel_first=True, **options)(path)


@pytest.mark.parametrize(
    ("depth", "most", "places"),
    [(23, 4, [0, 7, 15, 22]), (23, 1, [11]), (3, 4, [0, 1, 2]), (5, None, [0, 1, 2, 3, 4]), (1, 4, [0])],
)
def test_so_many_slices_are_read_at_even_distances(depth, most, places):
    assert DASClipReader(most).places(depth).tolist() == places


def test_frames_of_a_video_are_those_of_its_source_in_luminance(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_bars(23))
    source = open_source(path)
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None, None]

    image = load(path, max_slices=4)

    assert image.shape == (1, 64, 48, 4)
    torch.testing.assert_close(image.as_tensor()[0], (source.read([0, 7, 15, 22]) * weights).sum(0))
    assert image.meta["slices"].tolist() == [0, 7, 15, 22]
    assert load(path, max_slices=4, channels=None).shape == (3, 64, 48, 4)


def test_slices_of_a_volume_keep_their_places_in_space(tmp_path):
    write_nifti(make_sample_volumes(1, 16)[0]["image"][0], tmp_path / "case.nii.gz", (0.5, 0.7, 2.0))
    whole = open_source(tmp_path / "case.nii.gz")

    image = load(tmp_path / "case.nii.gz", max_slices=6)

    assert image.meta["slices"].tolist() == [0, 3, 6, 9, 12, 15]
    assert torch.equal(image.as_tensor(), whole.read([0, 3, 6, 9, 12, 15]))
    np.testing.assert_allclose(image.affine[:3, 2], whole.affine[:3, 2] * 3)
    np.testing.assert_allclose(image.affine[:3, 3], whole.affine[:3, 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_slices": 0}, "max_slices must be at least 1, or None for all, got 0"),
        ({"channels": 3}, "channels must be 1, or None for what the file holds, got 3"),
    ],
)
def test_arguments_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        DASClipReader(**options)


def test_several_paths_are_no_clip():
    with pytest.raises(ValueError, match="give one path per clip, got 2: a, b"):
        DASClipReader().get_data(("a", "b"))


def test_a_missing_clip_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"clip.mp4: no such file"):
        load(tmp_path / "clip.mp4")
