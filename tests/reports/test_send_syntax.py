"""Objects are the same in every transfer syntax that a server takes."""

import warnings

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from monai_das.reports.send_syntax import LITTLE_ENDIAN, in_syntax

REAL = [
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "rtdose_expb.dcm",
    "image_dfl.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle.dcm",
    "examples_ybr_color.dcm",
]


def read(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real headers hold what pydicom dislikes
        return dcmread(get_testdata_file(name))


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("syntax", LITTLE_ENDIAN, ids=["explicit", "implicit"])
@pytest.mark.parametrize("name", REAL)
def test_pixels_and_identity_stay(name, syntax):
    before = read(name)

    after = in_syntax(read(name), syntax)

    assert after.file_meta.TransferSyntaxUID == syntax
    assert after.SOPInstanceUID == before.SOPInstanceUID
    np.testing.assert_array_equal(after.pixel_array, before.pixel_array)


def test_numbers_kept_as_bytes_are_turned_too():
    before = read("MR_small_bigendian.dcm")
    before.add_new(0x00281201, "OW", b"\x01\x02\x03\x04")
    before.add_new(0x00660016, "OF", b"\x01\x02\x03\x04")

    after = in_syntax(before, LITTLE_ENDIAN[0])

    assert after[0x00281201].value == b"\x02\x01\x04\x03"
    assert after[0x00660016].value == b"\x04\x03\x02\x01"


def test_colour_becomes_rgb():
    assert in_syntax(read("examples_ybr_color.dcm"), LITTLE_ENDIAN[0]).PhotometricInterpretation == "RGB"
