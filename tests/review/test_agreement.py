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

    assert (found.class_kappa, found.slice_kappa, found.kind) == (1.0, None, "cohen")


def test_three_readers_are_compared_by_fleiss():
    said = {"a": "x", "b": "x", "c": "y"}

    found = agreement_between_readers({1: said, 2: said, 3: {"a": "x", "b": "x"}}, {})

    assert found.kind == "fleiss"
    assert found.class_kappa == pytest.approx(fleiss_kappa([["x", "x", "y"], ["x", "x", "y"]]))


def test_without_a_case_in_common_there_is_no_agreement():
    assert agreement_between_readers({1: {"a": "x"}, 2: {"b": "x"}}, {}).kind is None
