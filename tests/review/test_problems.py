"""Verdicts of several projects and pages together."""

from dataclasses import replace

import pytest

from monai_das.review import (
    PulledVerdicts,
    ReaderAgreement,
    joined_verdicts,
    page_verdicts,
    verdict_agreement,
    write_verdicts,
)
from monai_das.review.problems import ToldVerdict

NONE = ReaderAgreement(None, None, None)
LATER = "2026-01-02T10:00:00Z"


def told(*verdicts, place="task", replaces=False):
    return PulledVerdicts([ToldVerdict(f"{place} {n}", each, replaces) for n, each in enumerate(verdicts, 1)], [])


def test_two_projects_are_joined_by_the_id_of_the_case(verdict):
    other = replace(verdict, reviewer="reader-2", label=0, label_name="normal", model={"weights_sha256": "cd" * 32})

    verdicts, problems = joined_verdicts([told(verdict, place="project 1, task"), told(other, place="project 2, task")])

    assert (verdicts, problems) == ([verdict, other], [])
    assert verdict_agreement(verdicts).cases == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, "the same answer was given twice (the other: task 2); the latest counts"),
        (
            {"slices_rejected": ()},
            "the reader contradicts this answer by a later one (the other: task 2); the latest counts",
        ),
    ],
)
def test_one_readers_answers_to_a_case_are_one(verdict, change, what):
    later = replace(verdict, reviewed_at=LATER, **change)

    verdicts, (problem,) = joined_verdicts([told(verdict, later)])

    assert verdicts == [later]
    assert (problem.place, problem.what) == ("task 1", what)


def test_a_page_saved_again_replaces_and_the_same_file_twice_is_said(verdict):
    later = replace(verdict, reviewed_at=LATER, slices_rejected=())

    assert joined_verdicts([told(later, verdict, replaces=True)]) == ([later], [])
    verdicts, (problem,) = joined_verdicts([told(verdict, verdict, replaces=True)])

    assert verdicts == [verdict]
    assert problem.what.startswith("the same answer was given twice")


def test_a_class_that_the_contract_has_not_is_left_out(verdict):
    verdicts, (problem,) = joined_verdicts([told(verdict)], classes=["normal", "adenoma"])

    assert verdicts == []
    assert problem.what == "the class 1 'hyperplasia' is none of 0 normal, 1 adenoma; the answer is left out"


def test_a_number_that_means_two_classes_is_said(verdict):
    others = [replace(verdict, case_id=f"case-{n}") for n in range(2)]
    odd = replace(verdict, label_name="adenoma")

    verdicts, (problem,) = joined_verdicts([told(odd, *others)])

    assert verdicts == others
    assert problem.text == "adenoma"


def test_unsure_is_no_class(verdict):
    unsure = replace(verdict, label=None, label_name="unsure")

    assert joined_verdicts([told(unsure)], classes=["normal", "adenoma"]) == ([unsure], [])


def test_a_fault_in_one_page_stops_no_other(verdict, tmp_path):
    paths = [tmp_path / f"{number}.json" for number in range(4)]
    nobody = replace(verdict, reviewer=" ")
    both = replace(verdict, slices_rejected=(3, 7), reviewer="reader-3")
    for path, content in zip(paths, (verdict, nobody, both), strict=False):
        write_verdicts([content], NONE, path)
    paths[3].write_text("[]")

    found, (no_reader, contradiction, damaged) = page_verdicts(paths)

    assert [each.verdict for each in found] == [verdict, replace(both, slices_confirmed=(), slices_rejected=(7,))]
    assert no_reader.what == "reviewer is empty; write a pseudonym; the verdict is left out"
    assert no_reader.case_id == verdict.case_id
    assert contradiction.what == "slice 3 is both wanted and rejected; neither counts"
    assert "holds no verdicts" in damaged.what
    assert [each.place for each in (no_reader, contradiction, damaged)] == [str(paths[n]) for n in (1, 2, 3)]


def test_a_wrong_field_costs_one_verdict(verdict, tmp_path):
    write_verdicts([verdict, replace(verdict, label="one")], NONE, tmp_path / "page.json")

    found, (problem,) = page_verdicts([tmp_path / "page.json"])

    assert [each.verdict for each in found] == [verdict]
    assert problem.what == "label must be a whole number or null, got 'one'; the verdict is left out"
