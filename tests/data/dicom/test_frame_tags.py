"""Multi-frame objects that say outside functional groups where their frames lie: dose and nuclear medicine."""

import numpy as np
import pytest
import torch
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import NuclearMedicineImageStorage, RTDoseStorage

from monai_das.data import dicom_geometry, open_source
from tests.data.independent_reader import by_itk

SPACING = {"PixelSpacing": [2.0, 3.0]}
PLACE = {"ImagePositionPatient": [-7.0, -8.0, 9.0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


def detector(**tags):
    found = Dataset()
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    return [found]


def nuclear(make_clip, **more):
    tags = {
        "SOPClassUID": NuclearMedicineImageStorage,
        "ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        "SpacingBetweenSlices": 4.0,
        "DetectorInformationSequence": detector(**PLACE),
        **SPACING,
    }
    return make_clip("nm.dcm", **(tags | more))


def dose(make_clip, offsets, name="dose.dcm"):
    tags = {"SOPClassUID": RTDoseStorage, **SPACING, **PLACE, "GridFrameOffsetVector": offsets}
    return make_clip(name, **tags)


def heights(source):
    return [ref.position_mm[2] for ref in source.refs]


@pytest.mark.parametrize("offsets", [[0, 2, 4, 6], [9, 11, 13, 15]])
def test_a_dose_lies_where_its_offsets_say(make_clip, offsets):
    source = open_source(dose(make_clip, offsets))

    assert heights(source) == [9.0, 11.0, 13.0, 15.0]
    assert np.allclose(np.abs(np.diag(source.affine)[:3]), [3.0, 2.0, 2.0])
    assert [ref.frame for ref in source.refs] == [1, 2, 3, 4]


def test_a_dose_that_goes_down_is_turned_with_its_pixels(make_clip):
    up = open_source(dose(make_clip, [0, 2, 4, 6], "up.dcm"))
    down = open_source(dose(make_clip, [0, -2, -4, -6], "down.dcm"))

    assert heights(down) == [3.0, 5.0, 7.0, 9.0]
    assert torch.equal(down.read_all().as_tensor(), up.read_all().as_tensor().flip(-1))


def test_uneven_offsets_are_an_irregular_stack(make_clip):
    source = open_source(dose(make_clip, [0, 2, 4, 9]))

    assert any("uneven spacing" in warning for warning in source.warnings)


def test_a_real_dose_has_the_geometry_that_itk_gives():
    path = get_testdata_file("rtdose.dcm")
    _, affine = by_itk(path)

    assert np.allclose(open_source(path).affine, affine)
    assert dicom_geometry(path).problems == ()


def test_offsets_of_another_number_are_an_error_with_the_tag(make_clip):
    with pytest.raises(ValueError, match=r"dose.dcm: 4 frames, but 3 numbers in GridFrameOffsetVector \(3004,000C\)"):
        open_source(dose(make_clip, [0, 2, 4]))


@pytest.mark.parametrize(("step", "expected"), [(4.0, [9.0, 13.0, 17.0, 21.0]), (-4.0, [-3.0, 1.0, 5.0, 9.0])])
def test_a_reconstructed_nuclear_object_lies_where_its_detector_says(make_clip, step, expected):
    source = open_source(nuclear(make_clip, SpacingBetweenSlices=step))

    assert heights(source) == expected
    assert np.allclose(np.abs(np.diag(source.affine)[:3]), [3.0, 2.0, 4.0])


def test_the_slice_of_every_frame_may_be_numbered(make_clip):
    source = open_source(nuclear(make_clip, SliceVector=[4, 3, 2, 1]))

    assert [ref.frame for ref in source.refs] == [4, 3, 2, 1]
    with pytest.raises(ValueError, match=r"nm.dcm: 4 frames, but 2 numbers in SliceVector \(0054,0080\)"):
        open_source(nuclear(make_clip, SliceVector=[1, 2]))


def test_time_slots_at_one_place_are_refused(make_clip):
    with pytest.raises(ValueError, match="4 slices at 2 positions, so several time points"):
        open_source(nuclear(make_clip, SliceVector=[1, 2, 1, 2]))


def test_projections_of_a_camera_are_a_clip_and_said_to_be(make_clip):
    source = open_source(nuclear(make_clip, ImageType=["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]))

    assert source.affine is None
    assert source.warnings[0].startswith(
        "PixelSpacing (0028,0030), SpacingBetweenSlices (0018,0088) of several frames outside functional groups is not"
    )


@pytest.mark.parametrize(
    ("kind", "tags", "warned"),
    [
        ("1.2.840.10008.5.1.4.1.1.7.2", SPACING, True),
        ("1.2.840.10008.5.1.4.1.1.7.2", {}, False),
        ("1.2.840.10008.5.1.4.1.1.3.1", SPACING, False),
        ("1.2.840.10008.5.1.4.1.1.4", SPACING | PLACE, True),
    ],
)
def test_geometry_that_says_too_little_is_warned_of(make_clip, kind, tags, warned):
    source = open_source(make_clip(SOPClassUID=kind, BurnedInAnnotation="NO", **tags))

    assert (source.affine, len(source)) == (None, 4)
    assert any("is not read: frames are taken as a clip" in warning for warning in source.warnings) is warned


def test_a_detector_without_directions_is_an_error(make_clip):
    lost = PLACE | {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}

    with pytest.raises(ValueError, match=r"ImageOrientationPatient \(0020,0037\) must be two directions"):
        open_source(nuclear(make_clip, DetectorInformationSequence=detector(**lost)))
