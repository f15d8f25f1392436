import json

import pytest

from monai_das.datasets import reviewed_datalist


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a datalist and returns its path."""

    def written(content):
        path = tmp_path / "review.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return written


def entries(number, **more):
    return [{"image": f"case_{index}.nii.gz", "label": index % 2, **more} for index in range(number)]


def grouped(number, per_group=2):
    """Entries of patients with several cases each."""
    return [
        {**entry, "case_id": f"case-{index}", "group": f"patient-{index // per_group}"}
        for index, entry in enumerate(entries(number))
    ]


def names(path, part, every=5):
    return {case["name"] for case in reviewed_datalist(path, part, every)}


def test_verdicts_and_names_come_along(write, tmp_path):
    path = write({"training": [each | {"slices_rejected": [3]} for each in grouped(40)]})

    case, *_ = reviewed_datalist(path, "train")

    assert case["image"] == str(tmp_path / f"case_{case['name'].removeprefix('case-')}.nii.gz")
    assert case["slices_rejected"] == [3]
    assert case["slices_confirmed"] == case["slices_added"] == []


@pytest.mark.parametrize("every", [2, 5])
def test_about_every_fifth_patient_is_held_out_whole(write, every):
    path = write(grouped(2000))

    held_out, train = names(path, "held_out", every), names(path, "train", every)

    assert not held_out & train
    assert len(held_out | train) == 2000
    assert len(held_out) == pytest.approx(2000 / every, rel=0.15)
    assert all(
        (f"case-{2 * patient}" in held_out) == (f"case-{2 * patient + 1}" in held_out) for patient in range(1000)
    )


def test_who_is_held_out_in_one_round_never_trains_in_another(write):
    """The second round has more cases of the same patients and of others, in another order."""
    rounds = [grouped(60), grouped(300)[::-1]]
    found = {part: [names(write(each), part) for each in rounds] for part in ("held_out", "train")}

    assert found["held_out"][0] < found["held_out"][1]
    assert found["train"][0] < found["train"][1]
    assert not found["held_out"][1] & found["train"][0]


def test_without_a_group_the_case_and_then_the_image_is_one(write):
    path = write([*entries(40), *({**each, "case_id": f"case-{n}"} for n, each in enumerate(entries(40)))])

    held_out = reviewed_datalist(path, "held_out")

    assert {"name" in case for case in held_out} == {True, False}


def test_cases_without_a_class_are_left_out(write):
    path = write([*entries(20), {"image": "none.nii.gz", "label": None}])

    assert len(reviewed_datalist(path, "train", 2)) + len(reviewed_datalist(path, "held_out", 2)) == 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", r"review.json: no JSON \(.*\); give the datalist"),
        ({"cases": []}, r"must hold a list of cases, or .* got dict"),
        ([{"label": 1}], r"case 0 must name the file of its image, got .*; pull with --cases"),
        ([{"image": "a", "label": "one"}], r"case 0 must have a class number as label and lists of slice numbers"),
        ([{"image": "a", "label": 1, "slices_added": [True]}], r"case 0 must have a class number"),
        (entries(1), r"no case for the part 'held_out'; one in 5 groups is held out, .* of 1 it may be none or all"),
    ],
)
def test_what_is_no_datalist_is_refused(write, content, message):
    with pytest.raises(ValueError, match=message):
        reviewed_datalist(write(content), "held_out")


def test_arguments_out_of_range_are_refused(write):
    with pytest.raises(ValueError, match=r"every at least 2, got part='test' and every=1"):
        reviewed_datalist(write(entries(2)), "test", 1)
