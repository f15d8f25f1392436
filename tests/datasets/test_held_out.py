import pytest

from monai_das.datasets import group_place, split_by_group


def cases(number, first=0):
    """Two cases of each patient, every third patient of label 1."""
    return [
        {"image": f"{n}.nii", "label": int(n // 2 % 3 == 0), "group": f"patient-{n // 2}"}
        for n in range(first, first + number)
    ]


def parts_of(items, **settings):
    """The part of every group."""
    return {item["group"]: part for part, found in split_by_group(items, **settings).items() for item in found}


def test_places_of_groups_are_spread_evenly():
    places = sorted(group_place(f"patient-{number}") for number in range(2000))

    assert all(abs(place - number / 2000) < 0.03 for number, place in enumerate(places))


def test_groups_stay_whole_and_parts_have_their_shares():
    items = cases(2000)

    parts = split_by_group(items)

    sizes = {part: len(found) / 2000 for part, found in parts.items()}
    assert sizes == pytest.approx({"training": 0.7, "validation": 0.15, "test": 0.15}, abs=0.04)
    assert sorted(item["image"] for found in parts.values() for item in found) == sorted(
        item["image"] for item in items
    )
    assert len(parts_of(items)) == 1000
    groups = [{item["group"] for item in found} for found in parts.values()]
    assert sum(map(len, groups)) == 1000


def test_new_cases_in_any_order_move_nobody():
    few, many = parts_of(cases(200, first=100)), parts_of(cases(400)[::-1])

    assert few.items() <= many.items()


def test_another_seed_is_another_split():
    assert parts_of(cases(200)) != parts_of(cases(200), seed=1)


def test_who_is_tested_is_among_the_held_out_for_fine_tuning():
    tested = [group for group, part in parts_of(cases(400)).items() if part == "test"]

    assert min(map(group_place, tested)) >= 0.85


def test_a_part_without_a_label_is_refused():
    items = [*cases(200), {"image": "x.nii", "label": 2, "group": "patient-x"}]

    with pytest.raises(ValueError, match=r"no case of label 2, of which there are 1 groups; give more cases, another"):
        split_by_group(items)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"shares must be positive numbers by part, got \{'training': 0\}"):
        split_by_group([], {"training": 0})
