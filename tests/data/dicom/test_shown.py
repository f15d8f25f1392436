"""The window that a header asks for, in the units of the values that are read."""

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.tag import BaseTag

from monai_das.data import open_source
from monai_das.data.dicom import header_window, pixel_aspect
from monai_das.datasets import write_dicom_series


def tags_of(**values):
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"WindowCenter": 40, "WindowWidth": 400}, (-160.0, 239.0)),
        ({"WindowCenter": [40, 600], "WindowWidth": [400, 1600]}, (-160.0, 239.0)),
        ({"WindowCenter": 0.5, "WindowWidth": 1, "VOILUTFunction": "LINEAR_EXACT"}, (0.0, 1.0)),
        ({"WindowCenter": 0, "WindowWidth": 10, "VOILUTFunction": "SIGMOID"}, (-5.0, 5.0)),
        ({"WindowCenter": 40, "WindowWidth": 1}, None),
        ({"WindowCenter": 40, "WindowWidth": 0}, None),
        ({"WindowCenter": 40}, None),
        ({"WindowCenter": None, "WindowWidth": None}, None),
        ({}, None),
    ],
)
def test_the_first_window_of_a_header(values, ends):
    assert header_window(tags_of(**values)) == ends


def test_a_window_that_is_no_number_is_none():
    stored = RawDataElement(BaseTag(0x00281050), "DS", 4, b"wide", 0, False, True)

    assert header_window(Dataset({stored.tag: stored})) is None


def test_a_frame_has_its_own_window_or_the_shared_one():
    def group(centre):
        return tags_of(FrameVOILUTSequence=[tags_of(WindowCenter=centre, WindowWidth=101)])

    own = tags_of(PerFrameFunctionalGroupsSequence=[group(100), Dataset()], WindowCenter=7, WindowWidth=3)
    own.SharedFunctionalGroupsSequence = [group(500)]

    assert header_window(own, 1) == (49.5, 149.5)
    assert header_window(own, 2) == (449.5, 549.5)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -1024), (0.5, 10)])
def test_read_values_in_the_window_look_as_pydicom_draws_them(tmp_path, signed, photometric, slope, intercept):
    stored = np.arange(-300, 300, dtype=np.int16) if signed else np.arange(600, dtype=np.uint16)
    write_dicom_series(stored.reshape(20, 30, 1), tmp_path)
    (path,) = tmp_path.iterdir()
    tags = dcmread(path)
    middle = slope * float(np.median(stored)) + intercept
    tags.PhotometricInterpretation, tags.RescaleSlope, tags.RescaleIntercept = photometric, slope, intercept
    tags.WindowCenter, tags.WindowWidth = middle, 200 * slope
    tags.save_as(path)

    source = open_source(tmp_path)
    low, high = header_window(source.pixel_header(0))
    ours = np.clip((source.read([0])[0, ..., 0].numpy().T - low) / (high - low), 0, 1)

    theirs = apply_windowing(apply_modality_lut(tags.pixel_array, tags), tags)
    theirs = (theirs - theirs.min()) / np.ptp(theirs)
    assert ours == pytest.approx(1 - theirs if photometric == "MONOCHROME1" else theirs, abs=1e-4)


def test_the_shape_of_a_pixel_where_no_position_says_it():
    assert pixel_aspect(tags_of(PixelAspectRatio=[2, 1])) == 2.0
    assert pixel_aspect(tags_of(PixelSpacing=[0.5, 1.0])) == 0.5
    assert pixel_aspect(tags_of(PixelAspectRatio=[0, 1])) == 1.0
    assert pixel_aspect(Dataset()) == 1.0
