import json
import re

import pytest

from monai_das.datasets import datalist_part


def case(number, **changes):
    entry = {"image": f"{number}.nii", "label": number % 2, "name": f"case-{number}", "group": f"patient-{number}"}
    return {**entry, "sha256": f"{number:064}"} | changes


def written(folder, **changes):
    """Write a datalist of six cases, two in each part, and their files."""
    parts = {"training": [case(0), case(1)], "validation": [case(2), case(3)], "test": [case(4), case(5)]}
    for number in range(6):
        (folder / f"{number}.nii").touch()
    file = folder / "list.json"
    file.write_text(json.dumps({"labels": {"0": "benign", "1": "malignant"}, "seed": 0, **parts, **changes}))
    return file


def test_a_part_comes_with_the_paths_of_its_images(tmp_path):
    found = datalist_part(written(tmp_path), "validation", tmp_path)

    assert found == [case(number, image=str(tmp_path / f"{number}.nii")) for number in (2, 3)]


def test_a_series_of_a_folder_with_others_is_an_image(tmp_path):
    (tmp_path / "export").mkdir()
    file = written(tmp_path, training=[case(0, image="export#series=1.2.3")])

    assert datalist_part(file, "training", tmp_path)[0]["image"] == str(tmp_path / "export#series=1.2.3")


def test_cases_without_names_and_patients_of_two_parts_are_told_apart_by_their_images(tmp_path):
    bare = {part: [{"image": f"{number}.nii", "label": 0}] for number, part in enumerate(("training", "validation"))}

    assert len(datalist_part(written(tmp_path, **bare), "training", tmp_path)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": []}, "no cases under 'training'; there are training, validation, test"),
        ({"training": [case(0, label=2)]}, "label must be the number of a class (0 benign, 1 malignant), got 2"),
        ({"training": [case(0, label=-1)]}, "training case 1: label must be the number of a class"),
        ({"training": [case(0, label=True)]}, "got True"),
        ({"training": [case(0, label="benign")]}, "got 'benign'"),
        ({"test": [{"image": "4.nii"}]}, "test case 1: label must be the number of a class"),
        ({"training": [case(0, image="")]}, 'training case 1: must be {"image": path'),
        ({"training": ["0.nii"]}, "got '0.nii'"),
        ({"validation": [case(2, image="0.nii")]}, "training case 1 and validation case 1 have the same image"),
        ({"test": [case(4, name="case-0")]}, "training case 1 and test case 1 have the same name"),
        ({"test": [case(4, sha256=f"{2:064}")]}, "validation case 1 and test case 1 have the same content"),
        ({"training": [case(0), case(0, label=1)]}, "training case 1 and training case 2 have the same image"),
        ({"validation": [case(2, group="patient-1")]}, "a patient (group) is in training and in validation"),
        ({"test": [case(4, group="patient-1")]}, "a patient (group) is in training and in test, see test case 1"),
    ],
)
def test_what_would_train_or_measure_wrongly_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        datalist_part(written(tmp_path, **changes), "training", tmp_path)


def test_an_image_that_is_not_there_is_named_for_its_part_alone(tmp_path):
    file = written(tmp_path)
    (tmp_path / "3.nii").unlink()

    assert len(datalist_part(file, "test", tmp_path)) == 2
    with pytest.raises(FileNotFoundError, match=r"validation case 2: .*3\.nii: no such file or folder"):
        datalist_part(file, "validation", tmp_path)
