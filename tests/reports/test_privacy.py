import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from monai_das.datasets import write_dicom_series
from monai_das.reports import privacy, pseudonyms, write_case_map
from monai_das.reports.privacy import without_identities


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "DOE_JANE" / "head mri"
    write_dicom_series(np.zeros((8, 8, 2), np.uint8), folder, patient_id="P-4711")
    for path in folder.iterdir():
        tags = dcmread(path)
        tags.PatientName = "Doe^Jane"
        tags.SeriesDescription = "knee, Dr. O'Hara"
        tags.save_as(path)
    return folder


def test_ids_are_numbers_in_the_order_of_the_inputs():
    cases = [("DOE_JANE", Path("b")), ("smith", Path("a"))]

    assert pseudonyms(cases) == [("case-0001", Path("b")), ("case-0002", Path("a"))]


def test_the_map_says_which_case_is_which_path(tmp_path):
    write_case_map([("case-0001", tmp_path / "DOE_JANE")], tmp_path / "map.json")

    assert json.loads((tmp_path / "map.json").read_text()) == {"cases": {"case-0001": str(tmp_path / "DOE_JANE")}}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("{study}: two series", "case-0001: two series"),
        ("{study}/IM00000.dcm: cut off", "case-0001/[removed]: cut off"),
        ("IM00000.dcm and IM00001.dcm are one image", "[removed] and [removed] are one image"),
        ("of DOE_JANE in head mri", "of [removed] in [removed]"),
        ("PatientID P-4711 and JANE, not Janet", "PatientID [removed] and JANE, not Janet"),
        ("name Doe^Jane, Doe and Jane", "name [removed], [removed] and [removed]"),
        ("""description "knee, Dr. O'Hara" """, """description "[removed]" """),
        ("SeriesInstanceUID 1.2.3 (2 images)", "SeriesInstanceUID 1.2.3 (2 images)"),
    ],
)
def test_paths_names_and_texts_of_headers_are_removed(study, message, expected):
    assert without_identities(message.format(study=study), study, "case-0001") == expected


def test_where_a_header_cannot_be_read_only_the_plain_words_are_left(study):
    damaged = study / "IM00000.dcm"
    damaged.write_bytes(damaged.read_bytes()[:132] + b"\x02\x00\x00\x00ZZDoe^Jane")

    message = f"{damaged}: the DICOM header cannot be read (no number: 'Doe^Jane'); copy the file again"

    assert without_identities(message, study, "case-0001") == "case-0001/[removed]: the DICOM header cannot be read"


def test_of_more_headers_than_are_read_only_the_plain_words_are_left(study, monkeypatch):
    monkeypatch.setattr(privacy, "MOST_FILES", 1)

    message = f"{study}: two series (knee of Doe^Jane); split IM00001.dcm"

    assert without_identities(message, study, "case-0001") == "case-0001: two series"


def test_a_missing_path_becomes_the_case(tmp_path):
    path = tmp_path / "DOE_JANE.nii.gz"

    assert without_identities(f"{path}: no such file", path, "case-0001") == "case-0001: no such file"
    assert without_identities("DOE_JANE.nii.gz, DOE_JANE", path, "case-0001") == "[removed], [removed]"


ADDRESS = "https://pacs.clinic.org:8042/dicom-web/studies/1.2.3456/series/7.8.9012"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("{address}: no server there; check", "case-0001: no server there; check"),
        ("{address}: refused (401 Unauthorized); give", "case-0001: refused (401 Unauthorized); give"),
        ("{address}: 2 series (Eva (knee)), choose", "case-0001: 2 series"),
        ("{address}: description 'Eva'", "case-0001: description"),
        ("ask pacs.clinic.org for 7.8.9012 of 1.2.3456", "ask [removed] for [removed] of [removed]"),
    ],
)
def test_an_address_its_parts_and_all_that_is_quoted_are_removed(message, expected):
    assert without_identities(message.format(address=ADDRESS), ADDRESS, "case-0001") == expected


def test_the_map_keeps_addresses_as_they_are(tmp_path):
    write_case_map([("case-0001", ADDRESS)], tmp_path / "map.json")

    assert json.loads((tmp_path / "map.json").read_text()) == {"cases": {"case-0001": ADDRESS}}
