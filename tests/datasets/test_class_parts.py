import pytest

from monai_das.datasets import class_parts, split_by_group
from monai_das.datasets.class_parts import parts_with_every_class
from monai_das.datasets.reviewed import is_held_out


def items(counts, of_patient=1):
    """``counts[n]`` patients of class n with some cases each."""
    return [
        {"label": label, "group": f"patient-{label}-{number}", "case": case}
        for label, count in enumerate(counts)
        for number in range(count)
        for case in range(of_patient)
    ]


@pytest.mark.parametrize("counts", [(3, 3), (3, 40), (4, 5, 3), (100, 60)])
def test_every_part_has_every_class_and_no_patient_is_in_two(counts):
    given = items(counts, of_patient=2)

    parts, _ = parts_with_every_class(given, [str(label) for label in range(len(counts))])

    groups = {part: {item["group"] for item in inside} for part, inside in parts.items()}
    assert list(parts) == ["training", "validation", "test"]
    assert all({item["label"] for item in inside} == set(range(len(counts))) for inside in parts.values())
    assert sum(map(len, groups.values())) == sum(counts)
    assert sum(map(len, parts.values())) == len(given)


def test_the_hash_alone_decides():
    for counts in ((60, 60), (4, 3)):
        parts, seed = parts_with_every_class(items(counts), ["a", "b"])

        assert parts == split_by_group(items(counts), seed=seed)


def test_who_is_held_out_stays_so_when_cases_come_in():
    first, seed = parts_with_every_class(items((4, 3)), ["a", "b"])

    later, _ = parts_with_every_class(items((40, 30)), ["a", "b"], seed)

    for part, inside in first.items():
        assert {item["group"] for item in inside} <= {item["group"] for item in later[part]}


def test_who_is_tested_is_held_out_from_what_readers_reviewed():
    parts, seed = parts_with_every_class(items((40, 30)), ["a", "b"])

    assert all(is_held_out(item["group"], 5, seed) for item in parts["test"])


def test_a_class_of_two_patients_is_an_error_that_counts_them():
    with pytest.raises(ValueError, match=r"class 'rare' has cases of 2 patients.*every class each.*--group-by"):
        parts_with_every_class(items((9, 2), of_patient=5), ["common", "rare"])


def test_a_seed_by_which_a_part_lacks_a_class_is_an_error():
    _, seed = parts_with_every_class(items((3, 3)), ["a", "b"])

    with pytest.raises(
        ValueError, match=rf"by --seed {seed - 1} no [ab] case is in one of the parts, .*leave --seed out"
    ):
        parts_with_every_class(items((3, 3)), ["a", "b"], seed - 1)


def test_classes_that_no_split_can_share_out_are_an_error(monkeypatch):
    monkeypatch.setattr(class_parts, "MOST_TRIES", 10)

    with pytest.raises(ValueError, match="no split by patient gives every part every class, and training"):
        parts_with_every_class(items((3, 3, 3)), ["a", "b", "c"])
