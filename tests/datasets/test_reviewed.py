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


def test_every_fifth_case_is_held_out(write, tmp_path):
    path = write({"training": entries(10, slices_rejected=[3])})

    held_out = reviewed_datalist(path, "held_out")
    train = reviewed_datalist(path, "train")

    assert [case["image"] for case in held_out] == [str(tmp_path / f"case_{index}.nii.gz") for index in (4, 9)]
    assert len(train) == 8
    assert train[0]["slices_rejected"] == [3]
    assert train[0]["slices_confirmed"] == train[0]["slices_added"] == []


def test_cases_of_a_group_stay_together(write):
    path = write([case | {"group": str(number // 2)} for number, case in enumerate(entries(8))])

    held_out = reviewed_datalist(path, "held_out", every=2)

    assert [case["image"][-8] for case in held_out] == ["2", "3", "6", "7"]


def test_cases_without_a_class_are_left_out(write):
    path = write([*entries(4), {"image": "none.nii.gz", "label": None}])

    assert len(reviewed_datalist(path, "train", 2)) + len(reviewed_datalist(path, "held_out", 2)) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", r"review.json: no JSON \(.*\); give the datalist"),
        ({"cases": []}, r"must hold a list of cases, or .* got dict"),
        ([{"label": 1}], r"case 0 must name the file of its image, got .*; pull with --cases"),
        ([{"image": "a", "label": "one"}], r"case 0 must have a class number as label and lists of slice numbers"),
        ([{"image": "a", "label": 1, "slices_added": [True]}], r"case 0 must have a class number"),
        (entries(1), r"no case for the part 'held_out'; of 1 groups every 5th is held out"),
    ],
)
def test_what_is_no_datalist_is_refused(write, content, message):
    with pytest.raises(ValueError, match=message):
        reviewed_datalist(write(content), "held_out")


def test_arguments_out_of_range_are_refused(write):
    with pytest.raises(ValueError, match=r"every at least 2, got part='test' and every=1"):
        reviewed_datalist(write(entries(2)), "test", 1)
