"""The folder of results: one run at a time, never half a case, and nothing lost where the disk says no."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from monai_das.data import CaseKey, open_source
from monai_das.datasets import write_nifti
from monai_das.reports import (
    CannotWriteError,
    DoneBefore,
    ReportSettings,
    out_folder,
    refuse_others,
    report_cases,
    results_folder,
    write_json,
)
from monai_das.reports.results_folder import replacing

CASE = "case-0123456789abcdef"
KEY = CaseKey(b"a key of the tests, known to everyone")
HOLDER = """
import sys, time
from pathlib import Path
from monai_das.reports import out_folder
with out_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder ``out``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "out"], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.communicate()


def test_a_folder_belongs_to_one_process_which_is_named(holder, tmp_path):
    with (
        pytest.raises(ValueError, match=rf"out belongs to another run, process {holder.pid} on .*, since 20.*; wait"),
        out_folder(tmp_path / "out"),
    ):
        pass

    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with out_folder(tmp_path / "out"):
        pass
    assert list((tmp_path / "out").iterdir()) == []


def test_a_lock_without_a_name_is_a_run_that_is_starting(holder, tmp_path):
    (tmp_path / "out" / results_folder.LOCK).write_text("")

    with pytest.raises(ValueError, match="belongs to another run that is just starting"), out_folder(tmp_path / "out"):
        pass


def test_where_there_are_no_locks_that_is_said(tmp_path, monkeypatch):
    def no_locks(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(results_folder.fcntl, "flock", no_locks)
    with pytest.warns(UserWarning, match=r"knows no locks \(No locks available\); let no other"), out_folder(tmp_path):
        pass


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    real, calls = results_folder.fcntl.flock, []

    def removed_before(handle, how):
        calls.append(handle)
        if len(calls) == 1:
            (tmp_path / results_folder.LOCK).unlink()
        real(handle, how)

    monkeypatch.setattr(results_folder.fcntl, "flock", removed_before)
    with out_folder(tmp_path):
        assert json.loads((tmp_path / results_folder.LOCK).read_text())["pid"] == os.getpid()
    assert len(calls) == 2


def test_what_a_killed_run_left_is_put_back_or_removed(tmp_path):
    for name in (f".{CASE}.old", f".{CASE[:-1]}0.new", f".{CASE[:-1]}1.old", f"{CASE[:-1]}1", ".mine.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(name)
    (tmp_path / f".{CASE[:-1]}1.old" / "note.txt").write_text("a reader's")
    (tmp_path / ".0123abcd.json").write_text("half")

    with out_folder(tmp_path):
        pass

    left = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {
        f"{CASE}/result.json": f".{CASE}.old",
        f"{CASE[:-1]}1/result.json": f"{CASE[:-1]}1",
        f"{CASE[:-1]}1/note.txt": "a reader's",
        ".mine.old/result.json": ".mine.old",
    }


def test_a_case_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / CASE
    folder.mkdir()
    for name in ("result.json", "case.html", "note.txt"):
        (folder / name).write_text("old")

    with pytest.raises(FileNotFoundError), replacing(folder) as new:
        (new / "nowhere").rename(new / "result.json")
    assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(
        ("result.json", "case.html", "note.txt"), "old"
    )

    with replacing(folder) as new:
        (new / "result.json").write_text("new")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"result.json": "new", "note.txt": "old"}
    assert [path.name for path in tmp_path.iterdir()] == [CASE]


class Counting:
    """Answers with one result, and counts the cases."""

    def __init__(self, result):
        self.result, self.count = result, 0

    def predict(self, source, case_id, opening_ms):
        self.count += 1
        return replace(self.result, case_id=case_id)


@pytest.fixture
def cases(tmp_path):
    paths = [tmp_path / "in" / f"{number}.nii" for number in range(3)]
    for number, path in enumerate(paths):
        write_nifti(np.full((5, 6, 200), number, np.uint8), path)
    return [(path.name, path) for path in paths]


def done(result, cases, folder, **settings):
    """How many cases are predicted, and how many are left out."""
    predictor = Counting(result)
    outcomes = list(report_cases(predictor, cases, folder, ReportSettings(KEY, **settings)))
    return predictor.count, sum(isinstance(each, DoneBefore) for each in outcomes)


def test_what_is_done_by_the_same_fingerprint_is_left_out(result_with, cases, tmp_path):
    mine, out = "a" * 64, tmp_path / "out"
    result = result_with(fingerprint=mine, depth=200)

    assert done(result, cases, out, done_by=mine) == (3, 0)
    assert done(result, cases, out, done_by=mine) == (0, 3)
    assert done(result, cases, out) == (3, 0)
    assert done(result, cases, out, done_by=mine, include_phi=True) == (3, 0)
    assert done(result, cases, out, done_by=mine, include_phi=True, reports=("json",)) == (0, 3)
    assert done(result, cases, out, done_by=mine, include_phi=True, reports=("json", "html")) == (3, 0)
    assert done(result, cases, out, done_by="b" * 64, include_phi=True, reports=("json", "html")) == (3, 0)
    newer = (out / KEY.case_id(open_source(cases[0][1])) / "result.json").stat().st_mtime + 10
    os.utime(cases[0][1], (newer, newer))
    assert done(result, cases, out, done_by=mine, include_phi=True, reports=("json", "html")) == (1, 2)


def test_results_of_others_are_refused_or_removed(result_with, tmp_path):
    for case, fingerprint in ((CASE, "a" * 64), (f"{CASE[:-1]}0", "b" * 64)):
        write_json(result_with(fingerprint=fingerprint), tmp_path / case / "result.json")
    (tmp_path / f"{CASE[:-1]}0" / "note.txt").write_text("a reader's")
    (tmp_path / f"{CASE[:-1]}1").mkdir()

    with pytest.raises(ValueError, match=r"holds results of other weights or settings \(1 cases, by A model 1.2.3\)"):
        refuse_others(tmp_path, "a" * 64, redo=False)

    refuse_others(tmp_path, "a" * 64, redo=True)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == [f"{CASE[:-1]}0/note.txt", f"{CASE}/result.json"]
    refuse_others(tmp_path, "a" * 64, redo=False)


@pytest.fixture
def full_disk():
    """Let no file of this process grow over 2 KiB: to a program, what a full disk is."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("reports", [("json",), ("png",), ("html",), ("slices",)])
def test_a_full_disk_ends_the_run_and_what_is_finished_stays(result_with, cases, tmp_path, full_disk, reports):
    out, settings = tmp_path / "out", ReportSettings(KEY, reports)
    result = result_with(depth=200)
    running = report_cases(Counting(result), cases, out, settings)
    first = next(running)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    full_disk()
    with pytest.raises(CannotWriteError, match=r"out cannot be written: .*; what is finished in it stays"):
        next(running)

    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in out.iterdir()] == [first.case_id]


def test_a_place_that_cannot_be_written_says_so():
    place = results_folder.Path("/proc/monai-das")

    with pytest.raises(CannotWriteError, match=r"/proc/monai-das cannot be written: .*"), out_folder(place):
        pass
