"""A token in all that may name a patient is in nothing that ``predict`` puts out, whatever fails."""

import json
import zipfile

import pytest
from PIL import Image

from monai_das.cli import main
from monai_das.review.tasks import predicted_cases, task_data, task_prediction, with_answer
from tests.inference.planted import BIRTH, KEYWORDS, PLANT, large, nifti, series, spoiled, video

pytest.importorskip("highdicom")
pytest.importorskip("av")

TOKENS = (PLANT.lower().encode(), BIRTH.encode(), b"077y")


def predict(bundle, capfd, out, *arguments):
    """Run ``predict``; return its exit code and everything that it puts out, by name, names included."""
    code = main(["predict", *map(str, arguments), "--bundle", str(bundle), "-o", str(out)])
    printed = capfd.readouterr()
    return code, {"stdout": printed.out.encode(), "stderr": printed.err.encode(), **written_in(out)}


def written_in(folder):
    """Return what lies in ``folder`` by name: whole files, texts in pictures, files in archives, tasks for review."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in folder.rglob("*.png"):
        with Image.open(path) as picture:
            found[f"{path.name} text"] = str(picture.info).encode()
    for path in folder.rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            found |= {f"{path.name} {name}": archive.read(name) for name in archive.namelist()}
    if any(folder.glob("*/slices.zip")):
        for case in predicted_cases(folder):
            data = with_answer(task_data(case.result, "volume"), case.result, blind=False, more=case.shown("volume"))
            found[f"task {case.case_id}"] = json.dumps([data, task_prediction(case.result, "volume")]).encode()
    return found


def planted_in(outputs):
    return [
        name for name, content in outputs.items() if any(one in (name.encode() + content).lower() for one in TOKENS)
    ]


def test_whole_studies_leave_no_identity(random_bundle, tmp_path, capfd):
    root = tmp_path / f"in_{PLANT}"
    root.mkdir()
    series(root / PLANT, keywords=KEYWORDS)
    nifti(root / f"{PLANT}.nii")

    code, outputs = predict(random_bundle, capfd, tmp_path / "out", root, "--report", "json,png,html,slices")

    assert code == 0
    assert outputs["stdout"].endswith(b"2 of 2 cases written\n")
    assert len([name for name in outputs if name.endswith("/case.html")]) == 2
    assert planted_in(outputs) == []


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "mov"])
def test_no_text_of_a_video_comes_out(random_bundle, tmp_path, capfd, suffix):
    root = tmp_path / f"in_{PLANT}"
    root.mkdir()
    whole = video(root / f"{PLANT}.{suffix}")
    assert PLANT.encode() in whole.read_bytes()
    (root / f"cut_{PLANT}.{suffix}").write_bytes(whole.read_bytes()[: len(whole.read_bytes()) // 3])

    _, outputs = predict(random_bundle, capfd, tmp_path / "out", root, "--report", "json,png,html,slices")

    assert len([name for name in outputs if name.endswith("/case.html")]) >= 1
    assert planted_in(outputs) == []


def test_no_failure_quotes_an_identity(random_bundle, tmp_path, capfd):
    root = tmp_path / f"in_{PLANT}"
    root.mkdir()
    spoiled(root)

    code, outputs = predict(random_bundle, capfd, tmp_path / "out", root, "--report", "json,html")

    errors = json.loads(outputs["errors.json"])["errors"]
    assert code == 1
    assert len(errors) >= 20
    assert [error["error"] for error in errors if "--include-phi" in error["error"]] == []
    assert planted_in(outputs) == []


def test_with_phi_every_failure_names_its_file(random_bundle, tmp_path, capfd):
    root = tmp_path / f"in_{PLANT}"
    root.mkdir()
    spoiled(root)

    _, outputs = predict(random_bundle, capfd, tmp_path / "out", root, "--include-phi")

    errors = [error["error"] for error in json.loads(outputs["errors.json"])["errors"]]
    assert len(errors) >= 20
    assert [error for error in errors if PLANT not in error] == []


def test_a_folder_of_three_thousand_files_leaks_no_description(random_bundle, tmp_path, capfd):
    folder = large(tmp_path / "flat")

    _, outputs = predict(random_bundle, capfd, tmp_path / "out", folder)

    assert planted_in(outputs) == []
