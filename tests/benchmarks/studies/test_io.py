import json
import os

import pytest
import torch

from benchmarks.studies.io import run_io

pytest.importorskip("pylibjpeg")


def test_the_last_line_has_every_figure():
    report = run_io(depth=34, side=64, rounds=1, syntaxes=("raw", "j2k"))

    last = json.loads(report.splitlines()[-1])
    assert {syntax: list(found) for syntax, found in last["speedup_lean"].items()} == {
        "raw": ["32", "16"],
        "j2k": ["32", "16"],
    }
    assert last["headers_s"] > 0
    assert "| uniform | 16 |" in report


def test_reading_by_all_processors_stands_beside_reading_by_one(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    before = torch.get_num_threads()

    report = run_io(depth=34, side=64, rounds=1, syntaxes=("raw", "jpegls"))

    rows = [line.split(" | ") for line in report.partition("Wall seconds")[2].splitlines() if " | " in line]
    assert [row[:2] for row in rows[1:]] == [
        [f"| {act}", count] for count in "13" for act in ("all slices", "thumbnails")
    ]
    assert all(float(cell.rstrip(" |")) > 0 for row in rows[1:] for cell in row[2:])
    assert torch.get_num_threads() == before
