import pytest

from monai_das.datasets import split_by_group
from monai_das.datasets.class_parts import parts_with_every_class


def items(counts, of_patient=1):
    """``counts[n]`` patients of class n with some cases each."""
    return [
        {"label": label, "group": f"patient-{label}-{number}", "case": case}
        for label, count in enumerate(counts)
        for number in range(count)
        for case in range(of_patient)
    ]


@pytest.mark.parametrize("counts", [(3, 3), (3, 40), (4, 5, 3), (100, 60)])
@pytest.mark.parametrize("seed", range(4))
def test_every_part_has_every_class_and_no_patient_is_in_two(counts, seed):
    given = items(counts, of_patient=2)

    parts = parts_with_every_class(given, [str(label) for label in range(len(counts))], seed)

    groups = {part: {item["group"] for item in inside} for part, inside in parts.items()}
    assert list(parts) == ["training", "validation", "test"]
    assert all({item["label"] for item in inside} == set(range(len(counts))) for inside in parts.values())
    assert sum(map(len, groups.values())) == sum(counts)
    assert sum(map(len, parts.values())) == len(given)


def test_where_the_hash_gives_every_part_every_class_it_alone_decides():
    given = items((60, 60))

    assert parts_with_every_class(given, ["a", "b"]) == split_by_group(given)


def test_a_class_of_two_patients_is_an_error_that_counts_them():
    with pytest.raises(ValueError, match=r"class 'rare' has cases of 2 patients.*every class each.*--group-by"):
        parts_with_every_class(items((9, 2), of_patient=5), ["common", "rare"])
