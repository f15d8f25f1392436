"""What objects on disk state of an attribute, in classic headers and in the functional groups of enhanced ones."""

import pytest
from pydicom import DataElement, Dataset, dcmread

from monai_das.data.dicom.attributes import attribute_kind, attribute_name, attribute_values
from tests.data.conftest import item


@pytest.fixture
def classic(series, edit):
    """Write one image with extra tags, and return its header as it is read again."""

    def make(**tags):
        path = next(series.iterdir())
        edit(path, **tags)
        return dcmread(path, stop_before_pixels=True)

    return make


@pytest.fixture
def enhanced(make_enhanced):
    """Write an enhanced MR object with groups of its two frames and shared ones, and return its header."""

    def make(frames=({}, {}), shared=None, **tags):
        path = make_enhanced(heights=(0.0, 3.0))
        found = dcmread(path)
        for group, own in zip(found.PerFrameFunctionalGroupsSequence, frames, strict=True):
            group.update(item(**own))
        found.SharedFunctionalGroupsSequence[0].update(item(**(shared or {})))
        found.update(item(**tags))
        found.save_as(path)
        return dcmread(path, stop_before_pixels=True)

    return make


@pytest.mark.parametrize(
    ("tags", "keyword", "values"),
    [
        ({"EchoTime": "89.5 "}, "EchoTime", [89.5]),
        ({"EchoTime": "1.2E2"}, "EchoTime", [120.0]),
        ({"InversionTime": 0}, "InversionTime", [0.0]),
        ({"EchoTrainLength": 16}, "EchoTrainLength", [16.0]),
        ({"ScanningSequence": ["SE", "IR"]}, "ScanningSequence", ["SE", "IR"]),
        ({"ScanningSequence": " IR "}, "ScanningSequence", ["IR"]),
        ({"SequenceName": "*tir2d1_16"}, "SequenceName", ["*tir2d1_16"]),
        ({}, "InversionTime", []),
        ({}, "EchoTime", []),
        ({"ScanningSequence": ""}, "ScanningSequence", []),
    ],
)
def test_classic_headers(classic, tags, keyword, values):
    assert attribute_values(classic(**tags), keyword) == (keyword, values)


def test_what_should_be_a_number_and_is_none_is_an_error(classic):
    tags = classic()
    tags[0x00180081] = DataElement(0x00180081, "LO", "long")

    with pytest.raises(ValueError, match="could not convert"):
        attribute_values(tags, "EchoTime")


@pytest.mark.parametrize("served", [False, True], ids=["file", "metadata of a server"])
def test_a_frame_comes_before_the_shared_groups(enhanced, served):
    echo = [{"MREchoSequence": [item(EffectiveEchoTime=time)]} for time in (13.0, 91.0)]
    timing = {"MRTimingAndRelatedParametersSequence": [item(RepetitionTime="8000", EchoTrainLength=9)]}
    tags = enhanced(echo, timing | {"MREchoSequence": [item(EffectiveEchoTime=5.0)]})
    tags = Dataset.from_json(tags.to_json()) if served else tags

    assert attribute_values(tags, "EchoTime", 1) == ("EffectiveEchoTime", [13.0])
    assert attribute_values(tags, "EchoTime", 2) == ("EffectiveEchoTime", [91.0])
    assert attribute_values(tags, "RepetitionTime", 2) == ("RepetitionTime", [8000.0])
    assert attribute_values(tags, "InversionTime", 2) == ("InversionTime", [])


def test_several_inversion_times_of_a_frame(enhanced):
    tags = enhanced(shared={"MRModifierSequence": [item(InversionTimes=[3400.0, 325.0])]})

    assert attribute_values(tags, "InversionTime", 1) == ("InversionTimes", [3400.0, 325.0])


@pytest.mark.parametrize(
    ("pulse", "inversion", "planar", "codes"),
    [
        ("SPIN", "YES", "NO", ["SE", "IR"]),
        ("SPIN", "NO", "NO", ["SE"]),
        ("GRADIENT", "YES", "NO", ["GR", "IR"]),
        ("BOTH", "NO", "YES", ["SE", "GR", "EP"]),
        ("SPIN", None, "NO", []),
        ("OTHER", "YES", "NO", []),
    ],
)
def test_the_codes_of_the_scanning_sequence_follow_from_an_enhanced_object(enhanced, pulse, inversion, planar, codes):
    own = item() if inversion is None else item(InversionRecovery=inversion)
    groups = [{"MRModifierSequence": [own]}] * 2

    tags = enhanced(groups, EchoPulseSequence=pulse, EchoPlanarPulseSequence=planar)

    assert attribute_values(tags, "ScanningSequence", 2) == ("ScanningSequence", codes)


def test_kinds_and_names():
    assert [attribute_kind(keyword) for keyword in ("EchoTime", "ScanningSequence", "EchoTimes")] == ["DS", "CS", ""]
    assert attribute_name("EchoTime") == "EchoTime (0018,0081)"
    assert attribute_values(Dataset(), "EchoTime") == ("EchoTime", [])
