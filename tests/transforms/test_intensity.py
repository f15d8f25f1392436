import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Resized

from monai_das.transforms import DASIntensity, DASScaleIntensity, DASScaleIntensityd, make_thumbnails

WINDOW = {"scale": "window", "low": -160, "high": 240}


@pytest.fixture
def image():
    return MetaTensor(torch.rand(1, 16, 16, 6) * 2000.0 - 1000.0)


def test_a_window_is_the_same_for_every_case_and_cuts_off(image):
    scaled = DASIntensity(WINDOW)(image)

    torch.testing.assert_close(scaled.as_tensor(), ((image.as_tensor() + 160.0) / 400.0).clamp(0.0, 1.0))
    assert DASIntensity(WINDOW)(torch.full((1, 4, 4, 2), 40.0)).unique().tolist() == [0.5]


def test_percentiles_are_those_of_the_thumbnails_and_cut_off(image):
    scaled = DASIntensity({"scale": "percentiles", "low": 10, "high": 90}, size=8)(image)

    expected = DASScaleIntensity(8, (10.0, 90.0))(image)
    assert float(expected.min()) < 0.0
    assert torch.equal(scaled.as_tensor(), expected.as_tensor().clamp(0.0, 1.0))


def test_the_range_is_that_of_the_thumbnails(image):
    assert torch.equal(DASIntensity({"scale": "range"}, size=8)(image), DASScaleIntensity(8)(image))


def test_none_leaves_values_as_they_are():
    scaled = DASIntensity({"scale": "none"})(torch.tensor([[[[7]]]], dtype=torch.uint8))

    assert (scaled.item(), scaled.dtype) == (7.0, torch.float32)


def test_behind_the_resizing_thumbnails_and_slices_get_the_same_values(image):
    resize, scale = Resized("image", [8, 8, -1], mode="area"), DASScaleIntensityd("image", 8, intensity=WINDOW)

    of_the_whole = scale(resize({"image": image}))["image"]
    of_thumbnails = scale({"image": make_thumbnails(image.as_tensor()[None], 8)[0]})["image"]

    torch.testing.assert_close(of_the_whole.as_tensor(), of_thumbnails.as_tensor())


@pytest.mark.parametrize(
    ("intensity", "message"),
    [
        ({"scale": "log"}, "a scale of range, window, percentiles, none, got {'scale': 'log'}"),
        ({"scale": "window", "low": 1}, "intensity of scale window needs the numbers low and high"),
        ({"scale": "window", "low": 2, "high": 1}, "low must be below its high, got 2.0 and 1.0"),
    ],
)
def test_what_is_no_intensity_is_refused(intensity, message):
    with pytest.raises(ValueError, match=message):
        DASIntensity(intensity)


def test_percentiles_and_intensity_exclude_each_other():
    with pytest.raises(ValueError, match="give percentiles or intensity, not both"):
        DASScaleIntensityd("image", percentiles=(1, 99), intensity=WINDOW)
