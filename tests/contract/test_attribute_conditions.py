"""T1, T2 and other series are told from FLAIR by conditions on DICOM attributes, in files as they come."""

import json

import numpy as np
import pytest
from pydicom import dcmread

from monai_das.contract import Contract, InputCheck, InputRefusedError
from monai_das.contract.attribute_conditions import compared, conditions_in_words
from monai_das.data import open_source
from monai_das.datasets import write_dicom_series, write_nifti
from tests.bundle.bundle_runs import FLAIR
from tests.data.conftest import item

TERMS = Contract.from_metadata(json.loads((FLAIR / "configs" / "metadata.json").read_text(encoding="utf-8")))
ECHO, INVERSION, SEQUENCE = "EchoTime (0018,0081)", "InversionTime (0018,0082)", "ScanningSequence (0018,0020)"
LATE, LONG, RECOVERY = "70 or more is accepted", "1400 to 3000 is accepted", "IR or RM is accepted"
# echo time, inversion time and scanning sequence of a series, and what is said of it: reasons and unstated keywords
SERIES = {
    "FLAIR, 3 T, spin echo": (("81.0", "2370.0", ["SE", "IR"]), [], []),
    "FLAIR, 1.5 T": (("128", "2200", "IR"), [], []),
    "FLAIR, 3-D": (("395", "1800", ["SE", "IR"]), [], []),
    "FLAIR of a sequence in research mode": (("120", "2.25E3", "RM"), [], []),
    "T1, spin echo": (
        ("12", None, "SE"),
        [f"{ECHO} is 12, {LATE}", f"{SEQUENCE} is SE, {RECOVERY}"],
        ["InversionTime"],
    ),
    "T1, inversion recovery": (
        ("9", "860", ["SE", "IR"]),
        [f"{ECHO} is 9, {LATE}", f"{INVERSION} is 860, {LONG}"],
        [],
    ),
    "T1, 3-D gradient echo": (
        ("3.45", "1000", ["GR", "IR"]),
        [f"{ECHO} is 3.45, {LATE}", f"{INVERSION} is 1000, {LONG}"],
        [],
    ),
    "T2": (("100", None, "SE"), [f"{SEQUENCE} is SE, {RECOVERY}"], ["InversionTime"]),
    "T2 with an inversion time of 0": (
        ("100", "0", "SE"),
        [f"{INVERSION} is 0, {LONG}", f"{SEQUENCE} is SE, {RECOVERY}"],
        [],
    ),
    "STIR": (("70", "150", ["SE", "IR"]), [f"{INVERSION} is 150, {LONG}"], []),
    "diffusion": (("85.1", None, ["EP", "SE"]), [f"{SEQUENCE} is EP and SE, {RECOVERY}"], ["InversionTime"]),
    "a text of a person": (("81", "2370", "JANE DOE"), [f"{SEQUENCE} is another value, {RECOVERY}"], []),
    "nothing stated": ((None, None, None), [], ["EchoTime", "InversionTime", "ScanningSequence"]),
}
KEYWORDS = ("EchoTime", "InversionTime", "ScanningSequence")


def classic(folder, values, edit):
    write_dicom_series(np.ones((32, 32, 12), np.uint8), folder)
    stated = {keyword: value for keyword, value in zip(KEYWORDS, values, strict=True) if value is not None}
    for path in folder.iterdir():
        edit(path, EchoTime=None, ScanningSequence=None)
        edit(path, **stated)
    return folder


def checked(path, accept_any_input=True):
    check = InputCheck(TERMS, None, accept_any_input)
    check.header(open_source(path))
    return check.verdict


@pytest.mark.parametrize(("values", "reasons", "unstated"), SERIES.values(), ids=list(SERIES))
def test_a_series_of_files(values, reasons, unstated, edit, tmp_path):
    verdict = checked(classic(tmp_path / "series", values, edit))

    assert [*verdict.reasons] == reasons
    assert [*verdict.unstated] == unstated


@pytest.mark.parametrize(
    ("echo", "inversion", "recovery", "reasons", "unstated"),
    [
        (95.0, [2500.0], "YES", [], []),
        (15.0, None, "NO", ["EffectiveEchoTime (0018,9082) is 15, 70 or more", "(0018,0020) is SE, IR"], [1]),
        (95.0, None, "NO", ["ScanningSequence (0018,0020) is SE, IR or RM"], [1]),
        (95.0, [3400.0, 325.0], "YES", ["InversionTimes (0018,9079) is 3400 and 325, 1400 to 3000"], []),
        (None, None, None, [], [0, 1, 2]),
    ],
    ids=["FLAIR", "T1", "T2", "double inversion", "nothing stated"],
)
def test_an_enhanced_object(echo, inversion, recovery, reasons, unstated, make_enhanced, tmp_path):
    path = make_enhanced()
    tags = dcmread(path)
    tags.Modality, tags.EchoPulseSequence, tags.EchoPlanarPulseSequence = "MR", "SPIN", "NO"
    for group in tags.PerFrameFunctionalGroupsSequence:
        group.MREchoSequence = [item(EffectiveEchoTime=echo)] if echo else []
    own = {"InversionTimes": inversion, "InversionRecovery": recovery}
    modifier = item(**{keyword: value for keyword, value in own.items() if value})
    tags.SharedFunctionalGroupsSequence[0].MRModifierSequence = [modifier]
    tags.save_as(path)

    verdict = checked(path)

    assert len(verdict.reasons) == len(reasons)
    assert all(words in reason for words, reason in zip(reasons, verdict.reasons, strict=True))
    assert verdict.unstated == tuple(KEYWORDS[place] for place in unstated)


def test_a_contradiction_is_refused_unless_any_input_is_accepted(edit, tmp_path):
    folder = classic(tmp_path / "series", SERIES["T1, spin echo"][0], edit)

    message = (
        r"series: the model was not made for this input: EchoTime \(0018,0081\) is 12, 70 or more is accepted; "
        r"ScanningSequence \(0018,0020\) is SE, IR or RM is accepted\. Give what"
    )
    with pytest.raises(InputRefusedError, match=message):
        checked(folder, accept_any_input=False)

    (notice,) = checked(folder).notices
    assert notice.startswith("NOT MADE FOR THIS INPUT (EchoTime (0018,0081) is 12, 70 or more is accepted; ")


def test_what_is_not_stated_is_a_warning(edit, tmp_path):
    verdict = checked(classic(tmp_path / "series", ("90", None, None), edit), accept_any_input=False)

    assert verdict.notices == ()
    assert verdict.warnings == (
        "not stated: InversionTime, ScanningSequence; the contract's conditions on these DICOM attributes were not "
        "checked",
    )


def test_a_file_without_a_header_of_this_kind_is_not_warned_of(tmp_path):
    write_nifti(np.ones((32, 32, 12), np.float32), tmp_path / "case.nii")

    assert checked(tmp_path / "case.nii", accept_any_input=False).warnings == ()


def test_what_is_no_number_contradicts(edit, tmp_path):
    folder = classic(tmp_path / "series", ("90", "2400", "IR"), edit)
    for path in folder.iterdir():
        content = path.read_bytes()
        assert content.count(b"DS\x04\x002400") == 1
        path.write_bytes(content.replace(b"DS\x04\x002400", b"DS\x04\x00JANE"))

    tags = dcmread(next(folder.iterdir()), stop_before_pixels=True)
    reasons, unstated = compared(TERMS.dicom_attributes, tags, None)

    assert (reasons, unstated) == (["InversionTime (0018,0082) holds no number, 1400 to 3000 is accepted"], [])


def test_conditions_in_words():
    conditions = {"FlipAngle": {"at_most": 90}, "SequenceName": {"contains": ["tir"]}}

    assert conditions_in_words(conditions) == "FlipAngle 90 or less, SequenceName with tir"
    assert conditions_in_words(TERMS.dicom_attributes) == (
        "EchoTime 70 or more, InversionTime 1400 to 3000, ScanningSequence with IR or RM"
    )
