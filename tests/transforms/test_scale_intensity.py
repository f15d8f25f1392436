import numpy as np
import pytest
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate, set_track_meta
from monai.transforms import ScaleIntensity

from monai_das.datasets import medmnist3d_datalist
from monai_das.transforms import DASScaleIntensity, DASScaleIntensityd, make_thumbnails


def test_slices_of_the_thumbnails_size_are_scaled_as_by_monai():
    image = 500.0 * torch.randn(1, 64, 64, 20)

    assert torch.equal(DASScaleIntensity(size=64)(image), ScaleIntensity()(image))


def test_adrenal_volumes_are_scaled_as_before_so_that_weights_stay_valid(data_root):
    cases = medmnist3d_datalist(data_root, "adrenalmnist3d", "test", size=64, slice_dim=0)[:8]

    for case in cases:
        assert torch.equal(DASScaleIntensity(size=64)(case["image"]), ScaleIntensity()(case["image"]))


def test_thumbnails_are_scaled_as_the_volume_that_they_come_from():
    volume = MetaTensor(3000.0 * torch.rand(1, 256, 192, 6) - 1000.0)
    scale = DASScaleIntensity(size=32)
    small = MetaTensor(make_thumbnails(volume.as_tensor()[None], 32)[0])

    scaled_small = scale(small)

    torch.testing.assert_close(
        scaled_small.as_tensor(), make_thumbnails(scale(volume).as_tensor()[None], 32)[0], atol=1e-5, rtol=0
    )
    assert (float(scaled_small.min()), float(scaled_small.max())) == (0.0, 1.0)


def test_a_slice_with_the_range_of_its_volume_is_scaled_as_the_volume():
    volume = MetaTensor(torch.rand(1, 40, 40, 6))
    scaled = DASScaleIntensity(size=16)(volume)

    alone = MetaTensor(volume.as_tensor()[..., 2:3], meta={"intensity_range": scaled.meta["intensity_range"]})

    assert torch.equal(DASScaleIntensity(size=16)(alone).as_tensor(), scaled.as_tensor()[..., 2:3])


def test_the_range_survives_batches():
    images = [{"image": MetaTensor(torch.rand(1, 8, 8, 4) + number)} for number in range(2)]
    scaled = [DASScaleIntensityd("image", size=8)(image) for image in images]

    back = decollate_batch(list_data_collate(scaled))

    for before, after in zip(scaled, back, strict=True):
        assert torch.equal(before["image"].meta["intensity_range"], after["image"].meta["intensity_range"])


def test_no_contrast_becomes_zero():
    assert DASScaleIntensity(size=8)(np.full((1, 8, 8, 3), 7, np.int16)).tolist() == torch.zeros(1, 8, 8, 3).tolist()


def test_percentiles_ignore_a_few_bright_pixels():
    image = MetaTensor(torch.linspace(0, 100, 8 * 8 * 100).reshape(1, 8, 8, 100))
    image[0, 0, 0, 0] = 1e6

    scaled = DASScaleIntensity(size=8, percentiles=(1.0, 99.0))(image)

    assert scaled.meta["intensity_range"].tolist() == pytest.approx([1.0, 99.0], abs=0.1)


def test_it_needs_no_metadata():
    set_track_meta(False)
    try:
        scaled = DASScaleIntensity(size=8)(torch.rand(3, 8, 8, 2))
    finally:
        set_track_meta(True)

    assert type(scaled) is torch.Tensor
    assert (float(scaled.min()), float(scaled.max())) == (0.0, 1.0)


def test_missing_keys_are_an_error_unless_allowed():
    with pytest.raises(KeyError, match="image"):
        DASScaleIntensityd("image")({})
    assert DASScaleIntensityd("image", allow_missing_keys=True)({}) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 2}, "thumbnails must be at least 3 pixels a side, got size=2"),
        ({"percentiles": (50, 50)}, r"two ascending numbers in \[0, 100\], got \(50, 50\)"),
        ({"percentiles": (-1, 50)}, r"two ascending numbers in \[0, 100\], got \(-1, 50\)"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        DASScaleIntensity(**arguments)


def test_an_item_without_channel():
    with pytest.raises(ValueError, match=r"must be \(C, H, W, D\), got \(8, 8, 2\); add a channel axis"):
        DASScaleIntensity()(torch.rand(8, 8, 2))
