import pytest

from benchmarks import fold_parts, no_split


def labels(*values):
    return [{"label": value, "number": number} for number, value in enumerate(values)]


def numbers(items):
    return [item["number"] for item in items]


def test_parts_have_both_classes_and_no_case_twice():
    items = labels(*[0] * 8, *[1] * 4)

    parts = [fold_parts(items, fold, 4) for fold in range(4)]

    assert sorted(number for _, held in parts for number in numbers(held)) == list(range(12))
    assert all(sum(item["label"] for item in held) == 1 for _, held in parts)
    assert all(sorted(numbers(kept) + numbers(held)) == list(range(12)) for kept, held in parts)


def test_cases_of_a_patient_stay_together():
    items = [{**item, "patient": f"p{item['number'] // 3}"} for item in labels(*[0, 0, 1] * 6)]

    for fold in range(3):
        kept, held = fold_parts(items, fold, 3)
        assert {item["patient"] for item in kept}.isdisjoint({item["patient"] for item in held})
        assert len(kept) + len(held) == 18


def test_parts_inside_leave_the_outer_part_away():
    items = labels(*[0, 1] * 9)

    for fold in range(9):
        _, left_away = fold_parts(items, fold // 3, 3)
        kept, held = fold_parts(items, fold, 3, inside=True)
        assert set(numbers(left_away)).isdisjoint(numbers(kept) + numbers(held))
        assert len(kept) + len(held) + len(left_away) == 18


@pytest.mark.parametrize(("fold", "folds", "inside"), [(0, 1, False), (3, 3, False), (9, 3, True), (-1, 2, False)])
def test_a_part_that_there_is_not_is_refused(fold, folds, inside):
    with pytest.raises(ValueError, match="num_folds must be at least 2 and fold in 0 to"):
        fold_parts(labels(0, 1, 0, 1), fold, folds, inside)


def test_a_set_without_splits_asks_for_folds():
    with pytest.raises(ValueError, match="hippocampus has no split of its own, only patients; give the grid folds"):
        no_split("hippocampus")
