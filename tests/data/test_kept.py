"""A source that keeps what it read: nothing is read twice, values stay as they are, memory has a limit."""

import numpy as np
import pytest
import torch

from monai_das.data import KeptSource, open_source
from monai_das.data.kept import MOST_PREVIEWS
from monai_das.datasets import compress_dicom_series, write_dicom_series, write_nifti
from monai_das.transforms.thumbnails import make_thumbnails


@pytest.fixture
def volume():
    return np.random.RandomState(0).randint(-500, 500, (90, 70, 5)).astype(np.int16)


@pytest.fixture
def decoded(monkeypatch):
    """The 0-based frames of every file that were decoded, in order."""
    from monai_das.data.dicom import source

    found = []
    real = source.decode_frame
    monkeypatch.setattr(source, "decode_frame", lambda pixels, at: (found.append(pixels.path), real(pixels, at))[1])
    return found


@pytest.mark.parametrize("syntax", ["raw", "jpegls"])
def test_thumbnails_previews_and_chosen_slices_decode_every_slice_once(volume, tmp_path, syntax, decoded):
    write_dicom_series(volume, tmp_path)
    if syntax != "raw":
        pytest.importorskip("jpeg_ls")
        compress_dicom_series(tmp_path, syntax)
    plain = open_source(tmp_path)
    expected = [plain.thumbnails(size) for size in (16, 90)], plain.read([1, 3])
    decoded.clear()

    kept = KeptSource(open_source(tmp_path), previews=True)
    small, chosen = kept.thumbnails(16), kept.read([1, 3])
    again = kept.large([3, 1])

    assert len(decoded) == 5 + 2
    assert torch.equal(small, expected[0][0])
    assert torch.equal(kept.previews(), expected[0][1])
    assert torch.equal(chosen, expected[1])
    assert torch.equal(torch.stack(again, -1), expected[1][..., [1, 0]])
    assert kept.thumbnails(16) is small


def test_a_nifti_file_gives_several_sizes_from_one_reading(volume, tmp_path, monkeypatch):
    write_nifti(volume, tmp_path / "case.nii")
    source, asked = open_source(tmp_path / "case.nii"), []
    real = source._slice
    monkeypatch.setattr(source, "_slice", lambda at: (asked.append(at), real(at))[1])

    small, large = source.several_thumbnails([8, 32])

    assert asked == [0, 1, 2, 3, 4]
    assert (small.shape, large.shape) == ((1, 8, 8, 5), (1, 32, 32, 5))


def test_what_is_not_kept_is_read(volume, counted_array):
    kept = KeptSource(counted_array(volume[None].astype(np.float32) / 7))
    kept.read([1, 2])

    found = kept.large([2, 0])

    assert kept.source.reads == [[1, 2], [0]]
    assert np.array_equal(found[1].numpy(), (volume[None].astype(np.float32) / 7)[..., 0])


def test_keep_reads_only_what_it_must(volume, counted_array):
    kept = KeptSource(counted_array(volume[None]))

    for _ in range(2):
        kept.keep([0, 4])
    kept.keep([1, 4])

    assert kept.source.reads == [[0, 4], [1, 4]]


def test_a_slice_that_is_too_large_is_kept_as_means(counted_array):
    large = np.arange(2048 * 1536, dtype=np.float32).reshape(1, 2048, 1536, 1)
    kept = KeptSource(counted_array(large))
    kept.keep([0])

    (found,) = kept.large([0])

    assert found.shape == (1, 1024, 768)
    assert float(found[0, 0, 0]) == large[0, :2, :2, 0].mean()
    assert kept.source.reads == [[0]]


def test_slices_beyond_the_limit_are_read_again(volume, counted_array, monkeypatch):
    monkeypatch.setattr("monai_das.data.kept.MOST_KEPT", 2 * 90 * 70 * 2)
    kept = KeptSource(counted_array(volume[None]))
    kept.read([0, 1, 2, 3])

    kept.large([1, 3])

    assert kept.source.reads == [[0, 1, 2, 3], [3]]


def test_previews_of_many_slices_are_smaller(counted_array):
    kept = KeptSource(counted_array(np.zeros((1, 300, 300, 1500), np.uint8)))

    assert kept.preview_side == int((MOST_PREVIEWS / (4 * 1500)) ** 0.5)


def test_reading_all_keeps_thumbnails_alone(volume, counted_array):
    kept = KeptSource(counted_array(volume[None]), previews=True)

    image = kept.read_all()

    assert torch.equal(kept.previews(), make_thumbnails(image.as_tensor()[None], 90)[0])
    assert kept.overview().size(1) in (64, 90)
    assert kept.source.reads == [[0, 1, 2, 3, 4]]
    assert kept._slices == {}


@pytest.fixture
def counted_array():
    """An array as a source that notes what is read."""
    from monai_das.data.whole import WholeSource, array_case

    class Counted(WholeSource):
        def read(self, indices):
            self.reads.append(list(indices))
            return super().read(indices)

    def made(array):
        source = Counted(array_case(array), "array")
        source.reads = []
        return source

    return made
