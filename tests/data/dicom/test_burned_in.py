import re

import numpy as np
import pytest
import torch
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from monai_das.data import SliceRef, SliceSource, open_source, read_volume, text_warnings, without_text
from monai_das.data.dicom.masked import masked_source


def region(left, top, right, bottom):
    found = Dataset()
    found.RegionLocationMinX0, found.RegionLocationMinY0 = left, top
    found.RegionLocationMaxX1, found.RegionLocationMaxY1 = right, bottom
    return found


def header(kind=UltrasoundMultiFrameImageStorage, said=None, regions=(), columns=5, rows=6):
    found = Dataset()
    found.SOPClassUID, found.Columns, found.Rows = kind, columns, rows
    if said is not None:
        found.BurnedInAnnotation = said
    if regions:
        found.SequenceOfUltrasoundRegions = list(regions)
    return found


def masked(*headers):
    """The pixels (column, row) of the first slice that become 0."""
    values = np.ones((1, 5, 6, len(headers) if len(headers) > 1 else 3))
    return {tuple(place) for place in np.argwhere(without_text(values, headers)[0, :, :, 0] == 0).tolist()}


EVERYWHERE = {(column, row) for column in range(5) for row in range(6)}


@pytest.mark.parametrize("said", [None, "", "YES"])
@pytest.mark.parametrize(
    "kind",
    [
        UltrasoundImageStorage,
        UltrasoundMultiFrameImageStorage,
        SecondaryCaptureImageStorage,
        MultiFrameTrueColorSecondaryCaptureImageStorage,
    ],
)
def test_what_lies_outside_the_regions_becomes_0(kind, said):
    one = header(kind, said, [region(1, 2, 3, 4)])

    assert masked(one) == EVERYWHERE - {(column, row) for column in (1, 2, 3) for row in (2, 3, 4)}
    assert text_warnings([one]) == ()


def test_several_regions_are_joined():
    one = header(regions=[region(0, 0, 0, 0), region(4, 5, 4, 5)])

    assert masked(one) == EVERYWHERE - {(0, 0), (4, 5)}


def test_a_region_may_end_one_pixel_beyond_the_picture():
    assert masked(header(regions=[region(1, 0, 5, 6)])) == {(0, row) for row in range(6)}


def test_each_slice_of_a_series_has_its_own_regions():
    first, second = header(regions=[region(0, 0, 4, 4)]), header(said="NO")

    values = without_text(np.ones((3, 5, 6, 2), np.uint8), [first, second])

    assert np.argwhere(values[0, 0, :, 0] == 0).tolist() == [[5]]
    assert values[..., 1].all()
    assert values.dtype == np.uint8


@pytest.mark.parametrize(
    "one",
    [
        header(said="NO", regions=[region(1, 1, 2, 2)]),
        header(CTImageStorage, regions=[region(1, 1, 2, 2)]),
    ],
)
def test_where_no_text_is_expected_nothing_is_masked_nor_said(one):
    assert masked(one) == set()
    assert text_warnings([one]) == ()


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (header(), "is absent and ultrasound regions .* are not declared"),
        (header(said="YES"), "is YES and ultrasound regions .* are not declared"),
        (header(CTImageStorage, said="YES"), "is YES and .* are not declared"),
        (header(regions=[region(1, 1, 7, 2)]), "do not fit the picture"),
        (header(regions=[region(1, 1, 2, 8)]), "do not fit the picture"),
        (header(regions=[region(3, 3, 2, 2)]), "do not fit the picture"),
        (header(regions=[Dataset()]), "do not fit the picture"),
    ],
)
def test_what_cannot_be_masked_is_warned_of(one, words):
    (warning,) = text_warnings([one])

    assert masked(one) == set()
    assert re.search(words, warning)
    assert warning.endswith("nothing was masked; look at the pictures before you share them")


def test_a_clip_is_masked_when_it_is_read(make_clip):
    inside = region(1, 1, 3, 4)
    inside.PhysicalUnitsXDirection = inside.PhysicalUnitsYDirection = 3
    inside.PhysicalDeltaX = inside.PhysicalDeltaY = 0.05  # ITK insists on them
    path = make_clip(SequenceOfUltrasoundRegions=[inside])
    case, plain = read_volume(path), read_volume(make_clip("plain.dcm", BurnedInAnnotation="NO"))

    assert np.array_equal(case.image[0, 1:4, 1:5], plain.image[0, 1:4, 1:5])
    assert (
        case.image[0, 0].max() == case.image[0, 4].max() == case.image[0, :, 0].max() == case.image[0, :, 5].max() == 0
    )
    assert case.warnings == plain.warnings == ()
    assert open_source(path).read([1])[0, 0].max() == 0


def test_the_real_echo_was_made_smaller_after_its_region_was_declared():
    case = read_volume(get_testdata_file("examples_ybr_color.dcm"))

    assert "do not fit the picture" in case.warnings[0]


class PlainSource(SliceSource):
    """A clip of ones that masks nothing itself."""

    def __init__(self, one):
        self.name, self.kind, self.affine, self.channels, self.plane_shape = "clip", "dicomweb", None, 1, (5, 6)
        self.refs = tuple(SliceRef(index, "1.2", frame=index + 1) for index in range(4))
        self.one = one

    def thumbnails(self, size):
        return torch.ones(1, size, size, 4)

    def read(self, indices):
        return torch.ones(1, 5, 6, len(indices))

    def header(self, index):
        return self.one


def test_any_source_is_masked_slice_by_slice_and_small():
    source = masked_source(PlainSource(header(regions=[region(1, 2, 3, 4)])))

    assert source.read([2, 0]).sum() == 2 * 9
    assert source.thumbnails(5).sum() <= 4 * 9
    assert source.thumbnails(5)[0, 0].max() == 0
    assert source.thumbnails(5)[0, 2, 2].min() == 1
    assert (len(source), source.warnings, source.header(1).Columns) == (4, (), 5)


def test_a_source_that_cannot_be_masked_warns():
    source = PlainSource(header())

    assert masked_source(source) is source
    assert "nothing was masked" in source.warnings[0]


@pytest.mark.parametrize("one", [None, header(said="NO"), header(CTImageStorage)])
def test_a_source_without_text_stays_as_it_is(one):
    source = PlainSource(one)

    assert masked_source(source) is source
    assert source.warnings == ()
