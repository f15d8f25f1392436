"""A model against the readers of the same cases."""

import re

import numpy as np
import pytest

from monai_das.review import ReaderVerdict, model_agreement

NAMES = ["a", "b", "c", "d"]
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])


def verdict(case, label, reader="reader-1", confirmed=(), rejected=(), added=()):
    slices = (tuple(confirmed), tuple(rejected), tuple(added))
    return ReaderVerdict(case, label, str(label), *slices, reviewer=reader, reviewed_at="2026-01-01T00:00:00Z")


def test_a_reader_who_agrees_in_three_of_four_cases():
    verdicts = [verdict("a", 0), verdict("b", 1), verdict("c", 1), verdict("d", 1), verdict("elsewhere", 0)]

    found = model_agreement(verdicts, NAMES, PROBABILITIES)

    assert (found.cases, found.readers) == (4, 1)
    assert found.same_class.value == 0.75
    assert found.same_class.low < 0.75 < found.same_class.high
    assert found.kappa == 0.5
    assert found.between.class_kappa is None
    assert np.isnan(found.chosen).all()
    assert found.to_dict()["chosen"] is None


def test_slices_that_readers_want_are_chosen_or_added():
    verdicts = [
        verdict("a", 0, confirmed=(1, 2), added=(7, 9)),
        verdict("b", 1, confirmed=(3,), rejected=(4,)),
        verdict("c", 0, rejected=(5,)),
    ]

    found = model_agreement(verdicts, NAMES, PROBABILITIES)

    assert found.chosen.value == 0.75
    assert "| readers' slices that were chosen | 0.750 | 0.500 to 1.000 |" in found.table()


def test_a_case_counts_once_and_verdicts_without_a_class_count_for_slices():
    verdicts = [verdict("a", 0), verdict("a", 1, "reader-2"), verdict("b", None, confirmed=(0,)), verdict("c", 0)]

    found = model_agreement(verdicts, NAMES, PROBABILITIES, groups=[0, 0, 1, 1])

    assert (found.cases, found.readers) == (3, 2)
    assert found.same_class.value == 0.75
    assert found.chosen.value == 1.0
    assert found.between.kind == "cohen"
    assert "| kappa of reader and reader, class | 0.000 | - |" in found.table()


@pytest.mark.parametrize(
    ("verdicts", "names", "message"),
    [
        ([verdict("x", 0)], NAMES, "no reviewed case is among the predictions; readers saw 'x', predicted was 'a'"),
        ([], NAMES, "readers saw 'nothing'"),
        ([verdict("a", 0)], ["a"] * 4, "the reviewed case 'a' is predicted 4 times; give files with different cases"),
        ([verdict("a", 2)], NAMES, "'a': a reader gave class 2, the model has 0 to 1"),
    ],
)
def test_what_cannot_be_compared_is_named(verdicts, names, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        model_agreement(verdicts, names, PROBABILITIES)
