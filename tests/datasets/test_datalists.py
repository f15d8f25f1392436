import json

import numpy as np
import pytest
from monai.data import load_decathlon_datalist
from pydicom import dcmread

from monai_das.data import CaseKey
from monai_das.datasets import (
    csv_datalist,
    dicom_datalist,
    folder_datalist,
    split_by_patient,
    write_datalist,
    write_dicom_series,
)

KEY = CaseKey(b"a key of the tests, known to everyone")


@pytest.fixture
def patients():
    """60 items of 20 patients, every third patient of label 1."""
    return [{"image": f"{n}.mp4", "label": int(n // 3 % 3 == 0), "patient": f"p{n // 3}"} for n in range(60)]


def patients_of(part, items):
    owner = {item["image"]: item["patient"] for item in items}
    return {owner[item["image"]] for item in part}


def test_no_patient_is_in_two_parts_and_every_item_in_one(patients):
    parts = split_by_patient(patients)

    who = [patients_of(part, patients) for part in parts.values()]
    assert list(parts) == ["training", "validation", "test"]
    assert sum(map(len, who)) == len(set.union(*who)) == 20
    assert sum(map(len, parts.values())) == 60


def test_labels_are_shared_out_in_proportion(patients):
    for seed in range(5):
        parts = split_by_patient(patients, {"a": 1, "b": 1}, seed)
        shares = [np.mean([item["label"] for item in part]) for part in parts.values()]

        assert abs(len(parts["a"]) - 30) <= 3
        assert max(shares) - min(shares) <= 0.11


def test_a_seed_gives_one_split_and_another_another(patients):
    assert split_by_patient(patients, seed=1) == split_by_patient(patients, seed=1)
    assert split_by_patient(patients, seed=1) != split_by_patient(patients, seed=2)


def test_monai_reads_the_datalist_and_no_patient_is_written(patients, tmp_path):
    write_datalist(split_by_patient(patients), tmp_path / "list.json")

    found = load_decathlon_datalist(tmp_path / "list.json", data_list_key="validation", base_dir=tmp_path)

    assert found
    assert all(item["image"].endswith(".mp4") for item in found)
    assert "patient" not in (tmp_path / "list.json").read_text()
    assert set(json.loads((tmp_path / "list.json").read_text())) == {"training", "validation", "test"}


def test_even_the_smallest_part_gets_a_patient(patients):
    parts = split_by_patient(patients[:9], {"training": 0.98, "validation": 0.01, "test": 0.01})

    assert [len(part) for part in parts.values()] == [3, 3, 3]


def test_fewer_patients_than_parts_are_refused(patients):
    with pytest.raises(ValueError, match="2 patients for 3 parts; give fewer parts or more patients"):
        split_by_patient(patients[:6])


def test_a_share_of_nothing_is_refused(patients):
    with pytest.raises(ValueError, match=r"shares must be positive numbers by part, got \{'training': 0\}"):
        split_by_patient(patients, {"training": 0})


def dicom_case(folder, patient):
    write_dicom_series(np.zeros((4, 4, 2), np.int16), folder)
    for file in folder.iterdir():
        found = dcmread(file)
        found.PatientID = patient
        found.save_as(file)
    return found


def test_folders_are_classes_and_dicom_tells_the_patient(tmp_path):
    for name, patient in (("b/one", "Smith"), ("a/two", "Smith"), ("b/three", "")):
        dicom_case(tmp_path / name, patient)
    (tmp_path / "b" / "clip.mp4").touch()

    items = folder_datalist(tmp_path, KEY)

    assert [item["label"] for item in items] == [0, 1, 1, 1]
    assert items[0]["group"] == next(item for item in items if item["image"].endswith("one"))["group"]
    assert items[0]["group"] == KEY.patient("Smith")
    assert len({item["group"] for item in items}) == 3
    assert len({item["name"] for item in items}) == 4
    assert "Smith" not in str(items)


def test_one_folder_is_no_two_classes(tmp_path):
    (tmp_path / "only").mkdir()

    with pytest.raises(ValueError, match="1 folders; give one folder of cases for each of two or more classes"):
        folder_datalist(tmp_path, KEY)


def test_dicom_cases_are_labelled_by_any_of_their_ids(tmp_path):
    by_patient, by_study = dicom_case(tmp_path / "a", "Smith"), dicom_case(tmp_path / "b" / "c", "Jones")
    dicom_case(tmp_path / "d", "Miller")

    items = dicom_datalist(tmp_path, {by_patient.PatientID: 1, by_study.StudyInstanceUID: 0}, KEY)

    assert [item["label"] for item in items] == [1, 0]
    assert "Smith" not in str(items)
    with pytest.raises(ValueError, match="no case has a label; labels are found by SeriesInstanceUID"):
        dicom_datalist(tmp_path, {}, KEY)


def test_rows_of_a_table_are_cases(tmp_path):
    (tmp_path / "x.mp4").touch()
    (tmp_path / "list.csv").write_text("file,grade,who\nx.mp4,3,Smith\n")

    (item,) = csv_datalist(tmp_path / "list.csv", KEY, image="file", label="grade", patient="who")

    assert (item["image"], item["label"]) == (str(tmp_path / "x.mp4"), 3)
    assert item["group"] == KEY.patient("Smith")
    assert "Smith" not in str(item)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("image,label\n", ValueError, r"list.csv: no column \['patient'\]; there are \['image', 'label'\]"),
        ("image,label,patient\nno.mp4,1,a\n", FileNotFoundError, r"list.csv, line 2: .*no.mp4: no such file"),
        ("image,label,patient\nlist.csv,bad,a\n", ValueError, "line 2: label must be a whole number, got 'bad'"),
    ],
)
def test_a_bad_table_names_the_line(tmp_path, text, error, message):
    (tmp_path / "list.csv").write_text(text)

    with pytest.raises(error, match=message):
        csv_datalist(tmp_path / "list.csv", KEY)
