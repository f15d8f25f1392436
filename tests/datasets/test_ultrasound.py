import re

import pytest

from monai_das.datasets import busv_items, covid_blues_datalist, split_by_patient
from monai_das.datasets.ultrasound import BUSV_COPY, BUSV_ONE_PATIENT


@pytest.fixture
def blues(tmp_path):
    """COVID-BLUES in small: 12 patients of 2 clips, one clip listed but missing, one without a score."""
    (tmp_path / "covid_blues" / "lus_videos").mkdir(parents=True)
    lines = ["video_file,Severity Score,A-lines", "patient_99_L1,3.0,no", "patient_0_L3,,no"]
    (tmp_path / "covid_blues" / "lus_videos" / "patient_0_L3.mp4").touch()
    for patient in range(12):
        for side in "LR":
            (tmp_path / "covid_blues" / "lus_videos" / f"patient_{patient}_{side}1.mp4").touch()
            lines.append(f"patient_{patient}_{side}1,{patient % 4}.0,no")
    (tmp_path / "covid_blues" / "severity.csv").write_text("\n".join(lines))
    return tmp_path


def patients_of(items):
    return {re.search(r"patient_\d+", item["image"])[0] for item in items}


def test_every_clip_is_for_validation_once_and_no_patient_on_both_sides(blues):
    folds = [covid_blues_datalist(blues, "severity", fold=fold, num_folds=3) for fold in range(3)]

    assert sorted(item["image"] for fold in folds for item in fold["validation"]) == sorted(
        {item["image"] for fold in folds for item in fold["training"]}
    )
    assert all(patients_of(fold["training"]).isdisjoint(patients_of(fold["validation"])) for fold in folds)
    assert all(len(fold["training"]) + len(fold["validation"]) == 24 for fold in folds)
    assert all({item["label"] for item in fold["validation"]} == {0, 1, 2, 3} for fold in folds)


def test_two_classes_are_severity_2_and_more(blues):
    found = covid_blues_datalist(blues / "covid_blues")

    assert all(
        item["label"] == int(int(re.search(r"patient_(\d+)", item["image"])[1]) % 4 >= 2) for item in found["training"]
    )


def test_the_real_data_has_260_clips_of_45_patients(data_root):
    found = covid_blues_datalist(data_root)

    assert len(found["training"]) + len(found["validation"]) == 260
    assert sum(item["label"] for part in found.values() for item in part) == 53 + 37
    assert len(patients_of(found["training"]) | patients_of(found["validation"])) == 45
    assert patients_of(found["training"]).isdisjoint(patients_of(found["validation"]))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"target": "age"}, "target must be one of severity>=2, severity, got 'age'"),
        ({"fold": 5}, "fold must be in 0 to num_folds - 1 and num_folds at least 2, got 5 of 5"),
    ],
)
def test_arguments_out_of_range_are_named(blues, more, message):
    with pytest.raises(ValueError, match=message):
        covid_blues_datalist(blues, **more)


def test_a_folder_without_the_data_says_what_to_give(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no severity.csv; give the folder of COVID-BLUES"):
        covid_blues_datalist(tmp_path)
    (tmp_path / "severity.csv").write_text("video_file,Severity Score\npatient_1_L1,1.0\n")
    with pytest.raises(FileNotFoundError, match="no clip with a score in lus_videos"):
        covid_blues_datalist(tmp_path)


def test_busv_has_the_labels_that_its_authors_corrected(tmp_path):
    names = {"benign": [BUSV_COPY, *BUSV_ONE_PATIENT[:2], "good"], "malignant": ["x3b8", *BUSV_ONE_PATIENT[2:]]}
    for kind, clips in names.items():
        for clip in clips:
            (tmp_path / "rawframes" / kind / clip).mkdir(parents=True)
    (tmp_path / "rawframes" / "benign" / "video.mp4").touch()
    (tmp_path / "rawframes" / "benign" / "notes.txt").touch()

    items = busv_items(tmp_path)

    labels = {item["image"].rpartition("/")[2]: item["label"] for item in items}
    assert labels == {"good": 0, "video.mp4": 0, "x3b8": 1, **dict.fromkeys(BUSV_ONE_PATIENT, 1)}
    parts = split_by_patient(items, {"a": 1, "b": 1})
    assert {4} <= {sum(item["image"].endswith(BUSV_ONE_PATIENT) for item in part) for part in parts.values()}


def test_no_clip_of_busv_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no clip in folders benign and malignant; give the folder of BUSV"):
        busv_items(tmp_path)
