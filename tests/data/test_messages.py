"""What is said of a study holds no identities; names of files and texts of headers lie beside it."""

import copy
import pickle
from pathlib import Path

import pytest

from monai_das.data import Finding, StudyError, full_text, plain_text
from monai_das.data.messages import StudyNotFoundError, harmless

FINDING = Finding("2 files are empty", [Path("DOE/Jane 1.dcm"), "Jane 2.dcm (empty)"], ["knee of Jane"])


def test_a_finding_names_files_as_a_text_and_neither_files_nor_headers_when_plain():
    assert FINDING == "2 files are empty [Jane 1.dcm, Jane 2.dcm (empty)]"
    assert plain_text(FINDING) == "2 files are empty"
    assert full_text(FINDING) == "2 files are empty [Jane 1.dcm, Jane 2.dcm (empty)] ['knee of Jane']"


def test_a_text_that_is_no_finding_is_what_we_wrote_ourselves():
    assert plain_text("uneven spacing") == full_text("uneven spacing") == "uneven spacing"


def test_of_many_files_three_are_shown():
    assert str(Finding("lost", [f"{number}.dcm" for number in range(5)])).endswith("[0.dcm, 1.dcm, 2.dcm and 2 more]")


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_findings_and_errors_reach_other_processes_whole(again):
    error = again(StudyNotFoundError("DOE/Jane", "nothing there", ["a.dcm"], ["knee"]))

    assert vars(again(FINDING)) == vars(FINDING)
    assert str(error) == "DOE/Jane: nothing there [a.dcm]"
    assert (error.name, error.finding.texts) == ("DOE/Jane", ("knee",))


def test_errors_are_of_the_kinds_that_callers_know():
    assert isinstance(StudyError("a", "b"), ValueError)
    assert isinstance(StudyNotFoundError("a", "b"), FileNotFoundError)


@pytest.mark.parametrize("value", ["2", "-1.5", "1e-3", "101530.25", "None", "1.2.840.10008"])
def test_numbers_and_uids_are_harmless(value):
    assert harmless(value) == value


@pytest.mark.parametrize("value", ["AX T2", "DOE^JANE", "19510203", "077Y", "ORIGINAL\\\\PRIMARY"])
def test_texts_and_dates_are_not(value):
    assert harmless(value) == "a text"
