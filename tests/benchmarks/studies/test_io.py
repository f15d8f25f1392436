import json

import pytest

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
