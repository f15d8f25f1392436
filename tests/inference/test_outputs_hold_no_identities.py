"""Values planted in every text tag, in names of folders and of files, looked for in all that ``predict`` puts out."""

import json

import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.datadict import DicomDictionary

from monai_das.cli import main
from monai_das.datasets import write_dicom_series, write_nifti
from tests.case_folders import only_case, only_result

pytest.importorskip("highdicom")

PLANT = "Zq7plant"
TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
KEYWORDS = [entry[4] for tag, entry in DicomDictionary.items() if entry[0] in TEXT and entry[4] and tag >> 16 > 7]


def plant(path, number=0):
    tags = dcmread(path)
    for keyword in KEYWORDS:
        setattr(tags, keyword, f"{PLANT}{number}")
    tags.PatientBirthDate, tags.PatientAge = "19510203", "077Y"
    block = tags.private_block(0x0011, "MAKER", create=True)
    block.add_new(0x01, "LO", f"{PLANT} private")
    block.add_new(0x02, "UN", f"{PLANT} unknown".encode())
    tags.save_as(path)


@pytest.fixture
def studies(volume, tmp_path):
    """A series, a volume, two series in one folder, and what must fail: a cut series, a damaged file."""
    root = tmp_path / f"{PLANT}_folder"
    write_nifti(volume, root / f"1{PLANT}_file.nii.gz")
    for folder in ("2series", "3two", "4cut"):
        write_dicom_series(volume[:, :, :4], root / f"{folder}_{PLANT}")
    write_dicom_series(volume[:, :, :4], root / "other")
    for number, path in enumerate((root / "other").iterdir()):
        path.rename(root / f"3two_{PLANT}" / f"{PLANT}{number}.dcm")
    (root / "other").rmdir()
    for number, path in enumerate(sorted(root.rglob("*.dcm"))):
        plant(path, number % 2)
    first = next((root / f"4cut_{PLANT}").iterdir())
    first.write_bytes(first.read_bytes()[:-900])
    (root / f"5{PLANT}.nii.gz").write_bytes(f"{PLANT}".encode())
    return root


def run(random_bundle, studies, out, *options):
    return main(["predict", str(studies), "--bundle", str(random_bundle), "-o", str(out), *options])


def found_in(folder):
    """Every output, by name: file names, bytes, and the texts in pictures."""
    texts = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    pictures = {f"{path.name} text": str(Image.open(path).text).encode() for path in folder.rglob("*.png")}
    return texts | pictures


def test_nothing_planted_comes_out(random_bundle, studies, tmp_path, capfd):
    code = run(
        random_bundle, studies, tmp_path / "out", "--report", "json,png,html", "--map", str(tmp_path / "map.json")
    )

    outputs = found_in(tmp_path / "out")
    printed = capfd.readouterr()
    everything = {**outputs, "stdout": printed.out.encode(), "stderr": printed.err.encode()}
    assert code == 1
    cases = json.loads((tmp_path / "map.json").read_text())["cases"]
    done = {name.split("/")[0] for name in outputs if "/" in name}
    assert len(done) == 4
    assert done < set(cases)
    assert "3 images" not in printed.err
    failed = [case for case in cases if case not in done]
    assert [printed.err.count(f"{case}: ValueError: {case}") for case in failed] == [1, 1]
    for planted in (PLANT.lower().encode(), b"19510203", b"077y"):
        assert [name for name, content in everything.items() if planted in (name.encode() + content).lower()] == []
    assert (tmp_path / "map.json").read_text().count(f"{PLANT}_folder") == 6


def test_with_phi_names_are_shown_beside_the_ids(random_bundle, studies, tmp_path, capfd):
    run(random_bundle, studies / f"2series_{PLANT}", tmp_path / "out", "--include-phi", "--report", "json,html")

    folder, name = only_case(tmp_path / "out"), f"2series_{PLANT}"
    assert f"{name} ({folder.name}): " in capfd.readouterr().out
    assert f"{name} ({folder.name})" in (folder / "case.html").read_text(encoding="utf-8")
    assert only_result(tmp_path / "out")["name"] == name


def test_dicom_reports_have_pseudonyms_as_names_and_the_patient_inside(random_bundle, studies, tmp_path):
    code = run(random_bundle, studies / f"2series_{PLANT}", tmp_path / "out", "--report", "kos,sr,sc")

    written = sorted((tmp_path / "out").rglob("*.dcm"))
    assert code == 0
    assert [path.stem for path in written] == ["key_objects", "montage", "report"]
    assert {path.parent for path in written} == {only_case(tmp_path / "out")}
    source = dcmread(next((studies / f"2series_{PLANT}").iterdir()))
    assert {str(dcmread(path).PatientID) for path in written} <= {f"{PLANT}0", f"{PLANT}1"}
    assert {dcmread(path).StudyInstanceUID for path in written} == {source.StudyInstanceUID}


def test_burned_in_text_is_warned_of_where_it_cannot_be_masked(random_bundle, tmp_path, capfd):
    echo = get_testdata_file("examples_ybr_color.dcm")

    code = main(["predict", echo, "--bundle", str(random_bundle), "-o", str(tmp_path)])

    (warning,) = only_result(tmp_path)["warnings"]
    assert code == 0
    assert "may hold burned-in text" in warning
    assert f"{only_case(tmp_path).name}: warning: {warning}" in capfd.readouterr().err
