"""The window that a header asks for, in the units of the values that are read."""

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.tag import BaseTag

from monai_das.data import open_source
from monai_das.data.dicom import header_window, pixel_aspect
from monai_das.datasets import write_dicom_series
from monai_das.reports.window import Window


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
        ({"WindowCenter": 40, "WindowWidth": 400, "VOILUTSequence": []}, (-160.0, 239.0)),
        ({"WindowCenter": 40, "WindowWidth": 1}, None),
        ({"WindowCenter": 40, "WindowWidth": 0}, None),
        ({"WindowCenter": 40}, None),
        ({"WindowCenter": None, "WindowWidth": None}, None),
        ({}, None),
    ],
)
def test_the_first_window_of_a_header(values, ends):
    found = header_window(tags_of(**values))

    assert (found and found[:2]) == ends


def test_a_window_that_is_no_number_is_none():
    stored = RawDataElement(BaseTag(0x00281050), "DS", 4, b"wide", 0, False, True)

    assert header_window(Dataset({stored.tag: stored})) is None


def test_a_frame_has_its_own_window_or_the_shared_one():
    def group(centre):
        return tags_of(FrameVOILUTSequence=[tags_of(WindowCenter=centre, WindowWidth=101)])

    own = tags_of(PerFrameFunctionalGroupsSequence=[group(100), Dataset()], WindowCenter=7, WindowWidth=3)
    own.SharedFunctionalGroupsSequence = [group(500)]

    assert header_window(own, 1) == (49.5, 149.5, ())
    assert header_window(own, 2) == (449.5, 549.5, ())


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
    low, high, _ = header_window(source.pixel_header(0))
    ours = np.clip((source.read([0])[0, ..., 0].numpy().T - low) / (high - low), 0, 1)

    theirs = apply_windowing(apply_modality_lut(tags.pixel_array, tags), tags)
    theirs = (theirs - theirs.min()) / np.ptp(theirs)
    assert ours == pytest.approx(1 - theirs if photometric == "MONOCHROME1" else theirs, abs=1e-4)


def table(first, shades):
    """A VOI LUT with these entries, 0 to 65535, from the value ``first`` on."""
    return [tags_of(LUTDescriptor=[len(shades), first, 16], LUTData=np.array(shades, "<u2").tobytes())]


def steep(signed):
    """A table that is black, rises in a curve over some 200 values, and is white."""
    return table(-150 if signed else 150, [0] * 50 + [round(65535 * (x / 199) ** 2) for x in range(200)] + [65535] * 60)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("way", ["table", "sigmoid", "exact"])
def test_tables_and_functions_are_drawn_as_pydicom_applies_them(tmp_path, signed, photometric, way):
    stored = np.arange(-300, 300, dtype=np.int16) if signed else np.arange(600, dtype=np.uint16)
    write_dicom_series(stored.reshape(20, 30, 1), tmp_path)
    (path,) = tmp_path.iterdir()
    tags = dcmread(path)
    tags.PhotometricInterpretation = photometric
    if way == "table":
        tags.VOILUTSequence = steep(signed)
    else:
        tags.WindowCenter, tags.WindowWidth = float(np.median(stored)), 100
        tags.VOILUTFunction = {"sigmoid": "SIGMOID", "exact": "LINEAR_EXACT"}[way]
    tags.save_as(path)

    source = open_source(tmp_path)
    window = Window("header", *header_window(source.pixel_header(0)))
    ours = window(source.read([0])[0, ..., 0]).numpy().T

    theirs = apply_voi_lut(tags.pixel_array, tags).astype(float)
    theirs = 255 * (theirs - theirs.min()) / np.ptp(theirs)
    wanted = 255 - theirs if photometric == "MONOCHROME1" else theirs
    assert np.abs(ours - wanted).max() < 2
    assert len(np.unique(ours)) > 90


@pytest.mark.parametrize("shades", [[7] * 20, []])
def test_a_table_that_shows_nothing_apart_leaves_the_numbers(shades):
    tags = tags_of(VOILUTSequence=table(0, shades), WindowCenter=40, WindowWidth=400)

    assert header_window(tags) == (-160.0, 239.0, ())


def test_a_signed_first_value_that_was_read_as_unsigned_is_signed():
    tags = tags_of(VOILUTSequence=table(65536 - 100, [0] * 256), PixelRepresentation=1)
    tags.VOILUTSequence[0].LUTData = list(range(256))

    assert header_window(tags)[:2] == (-100, 155)


def test_the_shape_of_a_pixel_where_no_position_says_it():
    assert pixel_aspect(tags_of(PixelAspectRatio=[2, 1])) == 2.0
    assert pixel_aspect(tags_of(PixelSpacing=[0.5, 1.0])) == 0.5
    assert pixel_aspect(tags_of(PixelAspectRatio=[0, 1])) == 1.0
    assert pixel_aspect(Dataset()) == 1.0
