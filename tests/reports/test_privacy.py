import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from monai_das.datasets import write_dicom_series
from monai_das.reports import pseudonyms, write_case_map
from monai_das.reports.privacy import without_identities, without_names


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
        ("SeriesDescription 'AB', 'C', None; split them", "SeriesDescription [removed]; split them"),
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


def test_the_names_of_files_are_removed_from_warnings(study):
    (study / "Doe 1.dat").touch()

    message = f"{study}: Doe 1.dat (empty) beside 2 images of Jane"

    assert without_names(message, study, "case-0001") == "case-0001: [removed] (empty) beside 2 images of Jane"
    assert without_names(f"{ADDRESS} (0028,0301)", ADDRESS, "case-0001") == "case-0001 (0028,0301)"


def test_texts_are_known_however_many_files_there_are(study):
    first, last = sorted(study.iterdir())
    tags = dcmread(last)
    last.unlink()
    for number in range(2005):
        shutil.copy(first, study / f"A{number:04}.dcm")
    tags.PatientComments = "seen by Frankenstein"
    block = tags.private_block(0x0011, "MAKER", create=True)
    block.add_new(0x01, "LO", "Moreau^Dr")
    inner = Dataset()
    inner.private_block(0x0013, "OTHER", create=True).add_new(0x01, "LO", "Jekyll")
    tags.RequestAttributesSequence = [inner]
    tags.save_as(study / "Z.dcm")

    message = "seen by Frankenstein, Moreau, Jekyll; Z.dcm"

    assert without_identities(message, study, "case-0001") == "[removed], [removed], [removed]; [removed]"


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


def test_a_path_that_cannot_be_looked_at_becomes_the_case(tmp_path):
    path = tmp_path / ("DOE" * 100)

    assert without_identities(f"{path}: its path is too long", path, "case-0001") == "case-0001: its path is too long"
