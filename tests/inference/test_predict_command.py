"""``monai-das predict`` from the command line to the files it writes."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from pydicom import dcmread

from monai_das.cli import main
from monai_das.datasets import write_dicom_series, write_nifti
from monai_das.reports import out_folder
from monai_das.reports.case_reports import PLAIN
from tests.case_folders import only_case, only_result, results


@pytest.fixture
def studies(volume, tmp_path):
    write_nifti(volume, tmp_path / "studies" / "file.nii.gz")
    write_dicom_series(volume, tmp_path / "studies" / "series")
    return tmp_path / "studies"


def command(random_bundle, out, *inputs, **options):
    extra = [
        word
        for name, value in options.items()
        for word in (f"--{name.replace('_', '-')}", *([] if value is None else [str(value)]))
    ]
    return main(["predict", *map(str, inputs), "--bundle", str(random_bundle), "-o", str(out), *extra])


def test_a_folder_of_cases_becomes_json_and_pictures(random_bundle, studies, tmp_path, capsys):
    code = command(random_bundle, tmp_path / "out", studies, num_slices=3)

    printed = capsys.readouterr()
    file, series = sorted(results(tmp_path / "out").values(), key=lambda each: each["source"], reverse=True)
    assert code == 0
    assert [each["index"] for each in file["selected_slices"]] == [each["index"] for each in series["selected_slices"]]
    assert len(file["selected_slices"]) == 3
    assert file["probabilities"] == pytest.approx(series["probabilities"], abs=1e-6)
    assert set(file["timings"]) == {"read", "score", "decode", "backbone", "total"}
    assert "2 of 2 cases written\n" in printed.out
    assert f"{file['case_id']}: {file['label']} (" in printed.out
    assert "2/2" in printed.err
    assert np.asarray(Image.open(tmp_path / "out" / file["case_id"] / "montage.png")).shape[1] == 1200
    assert not (tmp_path / "out" / "errors.json").exists()


def test_bad_cases_are_named_and_the_others_go_on(random_bundle, studies, tmp_path, capsys):
    (studies / "damaged.nii.gz").write_bytes(b"no NIfTI")

    code = command(random_bundle, tmp_path / "out", studies, tmp_path / "nowhere.nii")

    errors = json.loads((tmp_path / "out" / "errors.json").read_text())["errors"]
    assert code == 1
    damaged, nowhere = (each["case"] for each in errors)
    done = results(tmp_path / "out")
    assert "NIfTI file cannot be read" in errors[0]["error"]
    assert errors[1]["error"] == f"FileNotFoundError: {nowhere}: no such file or folder"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*sorted(done), "errors.json"]
    assert len({damaged, nowhere, *done}) == 4
    printed = capsys.readouterr()
    assert "2 of 4 cases written" in printed.out
    assert f"{damaged}: ValueError" in printed.err
    assert "--map FILE writes which case is which path" in printed.err

    (studies / "damaged.nii.gz").unlink()
    assert command(random_bundle, tmp_path / "out", studies) == 0
    assert not (tmp_path / "out" / "errors.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_slices": 0}, "num_slices must be at least 1, got 0"),
        ({"num_slices": "many"}, "invalid int value: 'many'"),
        ({"max_memory": -1}, "--max-memory must be a number of GiB above 0, got -1"),
        ({"report": "json,pdf"}, "invalid choice: pdf (of json, png, html, slices, kos, sr, sc, fhir)"),
        ({"device": "abacus"}, "invalid choice: 'abacus'"),
        ({"bundle": "nowhere"}, "--bundle is not a bundle"),
    ],
)
def test_arguments_that_cannot_work_exit_with_2(random_bundle, studies, tmp_path, capsys, options, message):
    with pytest.raises(SystemExit) as exit_:
        command(random_bundle, tmp_path / "out", studies, **options)

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_budget_beyond_all_slices_keeps_them_all(random_bundle, studies, volume, tmp_path):
    assert command(random_bundle, tmp_path / "out", studies / "file.nii.gz", num_slices=1_000_000_000) == 0

    result = only_result(tmp_path / "out")
    assert len(result["selected_slices"]) == result["total_slices"] == volume.shape[-1]


def test_max_memory_refuses_a_case(random_bundle, studies, tmp_path, capsys):
    assert command(random_bundle, tmp_path / "out", studies / "file.nii.gz", max_memory=1e-6) == 1

    assert "more than the limit of 1.05 KiB" in capsys.readouterr().err


def test_inputs_without_a_case_are_failed_cases(random_bundle, tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    code = command(random_bundle, tmp_path / "out", tmp_path / "nowhere", tmp_path / "empty")

    errors = json.loads((tmp_path / "out" / "errors.json").read_text())["errors"]
    assert code == 1
    assert errors[0]["error"] == f"FileNotFoundError: {errors[0]['case']}: no such file or folder"
    assert errors[1]["error"].startswith(f"ValueError: {errors[1]['case']}: a folder without DICOM images")
    assert "0 of 2 cases written" in capsys.readouterr().out


def test_an_output_that_cannot_be_a_folder_exits_with_2(random_bundle, studies, tmp_path, capsys):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(SystemExit) as exit_:
        command(random_bundle, tmp_path / "out", studies)

    assert exit_.value.code == 2
    assert "out" in capsys.readouterr().err


def test_a_second_run_by_other_settings_is_refused_or_replaces_the_first(random_bundle, studies, tmp_path, capsys):
    shutil.rmtree(studies / "series")

    command(random_bundle, tmp_path / "out", studies, num_slices=3)
    with pytest.raises(SystemExit):
        command(random_bundle, tmp_path / "out", studies, num_slices=5)
    refused = capsys.readouterr().err
    kept = only_result(tmp_path / "out")
    again = ["--num-slices", "5", "--redo", "--bundle", str(random_bundle), "-o", str(tmp_path / "out")]
    assert main(["predict", str(studies), *again]) == 0

    assert "out holds results of other weights or settings (1 cases, by " in refused
    assert len(kept["selected_slices"]) == 3
    assert len(only_result(tmp_path / "out")["selected_slices"]) == 5


def test_a_second_run_does_only_what_is_missing(random_bundle, studies, tmp_path, capsys):
    command(random_bundle, tmp_path / "out", studies / "series")
    (done,) = (tmp_path / "out").glob("*/result.json")
    before = done.stat()

    assert command(random_bundle, tmp_path / "out", studies) == 0

    printed = capsys.readouterr()
    assert f"{done.parent.name}: done by an earlier run; --redo does it again" in printed.err
    assert "2 of 2 cases written" in printed.out
    assert len(results(tmp_path / "out")) == 2
    assert (done.stat().st_ino, done.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_folder_that_another_run_has_is_refused(random_bundle, studies, tmp_path, capsys):
    # flock holds between two openings of a file, in one process too
    with out_folder(tmp_path / "out"), pytest.raises(SystemExit):
        command(random_bundle, tmp_path / "out", studies)

    assert f"out belongs to another run, process {os.getpid()} on" in capsys.readouterr().err


def test_a_full_disk_ends_in_one_line(random_bundle, studies, tmp_path, capsys, monkeypatch):
    def full(result, source, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(PLAIN, "png", full)

    code = command(random_bundle, tmp_path / "out", studies)

    last = capsys.readouterr().err.splitlines()[-1]
    assert code == 1
    assert last.startswith("monai-das predict: error: --out cannot be written: No space left on device;")
    assert last.endswith("make room or give another folder, and run again")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_report_that_fails_is_named_and_the_others_are_there(random_bundle, studies, tmp_path, capsys):
    pytest.importorskip("highdicom")
    first = command(random_bundle, tmp_path / "out", studies, num_slices=3, report="json,sr")
    said = capsys.readouterr()

    again = command(random_bundle, tmp_path / "out", studies / "series", num_slices=3, report="json,sr")

    assert (first, again) == (1, 0)
    assert "2 of 2 cases written" in said.out
    assert ": report sr: ValueError: case-" in said.err
    assert sorted(len(list(case.iterdir())) for case in (tmp_path / "out").glob("case-*")) == [1, 2]


def test_the_report_of_another_model_becomes_the_predecessor(random_bundle, studies, tmp_path):
    pytest.importorskip("highdicom")
    series, bundles = studies / "series", [random_bundle, shutil.copytree(random_bundle, tmp_path / "bundle")]
    state = torch.load(bundles[1] / "models" / "model.pt", weights_only=True)
    torch.save(dict(reversed(state.items())), bundles[1] / "models" / "model.pt")

    codes = [command(bundle, tmp_path / "out", series, report="json,sr", redo=None) for bundle in bundles]
    command(bundles[1], tmp_path / "two", series, report="json,sr", predecessor=tmp_path / "out")

    tags = dcmread(only_case(tmp_path / "out") / "report.dcm")
    assert codes == [0, 0]
    assert len(tags.PredecessorDocumentsSequence) == 1
    # one's own earlier report is none
    assert "PredecessorDocumentsSequence" not in dcmread(only_case(tmp_path / "two") / "report.dcm")


def test_report_names_what_is_written(random_bundle, studies, tmp_path):
    code = command(random_bundle, tmp_path / "out", studies / "series", num_slices=3, report="html,json")

    assert code == 0
    assert sorted(path.name for path in only_case(tmp_path / "out").iterdir()) == ["case.html", "result.json"]
    assert "Add the slice shown" in (only_case(tmp_path / "out") / "case.html").read_text(encoding="utf-8")
