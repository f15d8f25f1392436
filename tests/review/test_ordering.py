import numpy as np
import pytest

from monai_das.review import reading_order

# the surest, the least sure of two, the least sure of three, one that rules a class out
FOUR = np.array([[0.98, 0.01, 0.01], [0.5, 0.4, 0.1], [0.34, 0.33, 0.33], [0.5, 0.5, 0.0]])


def test_the_least_sure_come_first_and_equals_keep_their_order():
    assert reading_order(FOUR) == [2, 1, 3, 0]
    assert reading_order(np.array([[0.2, 0.8], [0.8, 0.2], [0.6, 0.4]])) == [2, 0, 1]


def test_the_surest_come_first_by_score():
    assert reading_order(FOUR, "score") == [0, 1, 3, 2]


def test_the_random_order_is_of_its_seed():
    orders = [reading_order(np.full((50, 2), 0.5), "random", seed) for seed in (0, 0, 1)]

    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == list(range(50))


@pytest.mark.parametrize("order", ["uncertain", "score", "random"])
def test_no_cases_have_an_order(order):
    assert reading_order(np.empty((0, 2)), order) == []


def test_what_has_no_order_is_refused():
    with pytest.raises(ValueError, match="order must be one of uncertain, score, random, got 'best'"):
        reading_order(FOUR, "best")
    with pytest.raises(ValueError, match=r"probabilities must be \(N, classes\), got \(3,\); give a row for each case"):
        reading_order(FOUR[0])
