"""The tables of docs/results.md are those of the committed results file, and nothing but it."""

import re
from pathlib import Path

import pytest

from benchmarks import grid_results
from benchmarks.tables import markdown_of, table_rows
from monai_das.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/results.md").read_text(encoding="utf-8")
TABLES = dict(re.findall(r"<!-- (\w+) -->\n\n(.*?)\n\n<!-- end -->", PAGE, re.DOTALL))


def test_no_table_of_the_page_is_overlooked():
    assert {"evidence", "adrenal64", "headline", "covid_blues"} < TABLES.keys()
    assert len(TABLES) == PAGE.count("<!-- end -->") == PAGE.count("| reference minus this (95 % interval) | p (Holm)")


def test_planted_evidence_has_a_command_of_its_own(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(ROOT)

    assert main(["benchmark", "planted", "--tables-only", "--out", str(tmp_path)]) == 0

    rows = [line for line in TABLES["evidence"].splitlines() if line.startswith("| planted |")]
    shown = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[2:6] for row in shown] == [row.split("|")[2:6] for row in rows]


@pytest.mark.parametrize("name", TABLES)
def test_the_results_file_makes_the_tables_of_the_docs(name):
    lines = grid_results(ROOT / f"benchmarks/grids/{name}.json", ROOT / "results/runs.jsonl")

    assert markdown_of(table_rows(lines)) == TABLES[name]
