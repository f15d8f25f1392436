import re

import pytest
from sklearn.metrics import cohen_kappa_score

from monai_das.review import cohen_kappa, fleiss_kappa
from monai_das.review.agreement import agreement_between_readers


def test_cohens_kappa_is_scikit_learns():
    first, second = list("aabbabccab"), list("abbbabcaab")

    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_fleiss_kappa_is_that_of_the_worked_example():
    # ten items, fourteen raters: the example in Fleiss' article and in every textbook after it, kappa 0.210
    table = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    items = [[str(name) for name, count in enumerate(row) for _ in range(count)] for row in table]

    assert fleiss_kappa(items) == pytest.approx(0.210, abs=5e-4)


def test_two_readers_are_compared_by_cohen_on_what_both_saw():
    classes = {1: {"a": "x", "b": "x"}, 2: {"a": "y", "b": "y"}, 3: {"a": "y"}}

    found = agreement_between_readers(classes, {})

    assert (found.class_kappa.value, found.slice_kappa, found.kind, found.cases) == (1.0, None, "cohen", 2)


def test_three_readers_are_compared_by_fleiss():
    said = {"a": "x", "b": "x", "c": "y"}

    found = agreement_between_readers({1: said, 2: said, 3: {"a": "x", "b": "x"}}, {})

    assert found.kind == "fleiss"
    assert found.class_kappa.value == pytest.approx(fleiss_kappa([["x", "x", "y"], ["x", "x", "y"]]))


def test_without_a_case_in_common_there_is_no_agreement():
    found = agreement_between_readers({1: {"a": "x"}, 2: {"b": "x"}}, {})

    assert found.kind is None
    assert str(found) == "no two readers saw the same case"
    assert found.to_dict()["class_kappa"] is None


def of_two(pairs):
    return {number: {"a": one, "b": other} for number, (one, other) in enumerate(pairs)}


# 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed 35/50, expected 0.5 x 0.6 + 0.5 x 0.4 = 0.5, kappa 0.4
FIFTY = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15


def test_kappa_of_a_table_reckoned_by_hand():
    found = agreement_between_readers(of_two(FIFTY), {}).class_kappa

    assert found.value == pytest.approx(0.4)


def test_the_interval_is_that_of_the_large_sample_formula():
    found = agreement_between_readers(of_two(FIFTY), {}).class_kappa

    # the standard error of this table by the formula of Fleiss, Cohen and Everitt, Psychol. Bull. 72, 1969
    half = 1.96 * 0.1270
    assert found.low == pytest.approx(0.4 - half, abs=0.04)
    assert found.high == pytest.approx(0.4 + half, abs=0.04)


def test_a_patients_cases_are_drawn_together():
    four_times = of_two(FIFTY * 4)
    owners = {number: f"patient-{number % 50}" for number in range(200)}

    of_patients = agreement_between_readers(four_times, {}, owners).class_kappa

    assert of_patients == agreement_between_readers(of_two(FIFTY), {}).class_kappa
    of_cases = agreement_between_readers(four_times, {}).class_kappa
    assert of_cases.high - of_cases.low < 0.6 * (of_patients.high - of_patients.low)


def test_kappa_of_slices_is_over_slices_and_drawn_by_case():
    slices = {(case, index): {"a": "x", "b": "xy"[index % 2]} for case in range(5) for index in range(4)}
    found = agreement_between_readers({case: {"a": "c", "b": "c"} for case in range(5)}, slices)

    assert found.slice_kappa.value == pytest.approx(cohen_kappa(list("xxxx"), list("xyxy")))
    # every case is like the others: whichever are drawn, kappa is the same
    assert found.slice_kappa.low == found.slice_kappa.high == found.slice_kappa.value


def test_of_one_answer_alone_no_interval_is_known():
    found = agreement_between_readers(of_two([("x", "x")] * 5), {})

    assert found.to_dict() == {
        "kind": "cohen", "cases": 5, "class_kappa": 1.0, "class_kappa_low": None, "class_kappa_high": None,
        "slice_kappa": None, "slice_kappa_low": None, "slice_kappa_high": None,
    }  # fmt: skip
    assert str(found) == "5 cases seen by two or more; Cohen's kappa of classes 1.000"


def test_what_is_said_of_agreement_has_its_interval():
    said = str(agreement_between_readers(of_two(FIFTY), {}))

    assert re.fullmatch(r"50 cases .*; Cohen's kappa of classes 0\.400 \(95 % 0\.\d{3} to 0\.\d{3}\)", said)
