import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import LoadImage, LoadImaged

from monai_das.data import DASVolumeReader, open_source, read_volume
from monai_das.datasets import write_nifti


def test_monai_loads_a_batch_through_the_reader(series, tmp_path, volume):
    write_nifti(volume, tmp_path / "volume.nii", spacing=(2.0, 3.0, 4.0))
    load = LoadImaged("image", reader="monai_das.data.DASVolumeReader", ensure_channel_first=True)
    loader = DataLoader(Dataset([{"image": series}, {"image": tmp_path / "volume.nii"}], load), batch_size=2)

    batch = next(iter(loader))

    assert batch["image"].shape == (2, 1, 6, 5, 4)
    assert torch.equal(batch["image"].affine[0], read_volume(series).image.affine)
    assert batch["image"].meta["filename_or_obj"] == [str(series), str(tmp_path / "volume.nii")]


def test_monai_shows_the_readers_own_error(series, edit):
    edit(sorted(series.iterdir())[0], SeriesInstanceUID="1.2.3")

    with pytest.raises(ValueError, match="2 series in one folder"):
        LoadImage(reader=DASVolumeReader)(series)


def test_the_reader_takes_one_path(series):
    assert DASVolumeReader().verify_suffix(series)
    with pytest.raises(ValueError, match="one path per image, got 2"):
        LoadImage(reader=DASVolumeReader())([series, series])


def test_monai_loads_a_video_through_the_reader(tmp_path):
    pytest.importorskip("av")
    from tests.data.video_clips import moving_bars, write_video

    path = write_video(tmp_path / "clip.mp4", moving_bars(6))

    image = LoadImage(reader=DASVolumeReader, ensure_channel_first=True)(path)

    assert image.shape == (3, 64, 48, 6)
    assert torch.equal(image.as_tensor(), open_source(path).read_all().as_tensor())
