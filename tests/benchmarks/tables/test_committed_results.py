"""The tables of the documentation are those of the committed results file, and nothing but it."""

import re
from pathlib import Path

import pytest

from benchmarks.commands import main
from benchmarks.sweep import grid_results
from benchmarks.tables import markdown_of, table_rows

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs/results.md", *sorted((ROOT / "docs/results").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
TABLES = dict(re.findall(r"<!-- (\w+) -->\n\n(.*?)\n\n<!-- end -->", TEXT, re.DOTALL))


def test_no_table_is_overlooked():
    assert {"evidence", "adrenal64", "headline", "covid_blues"} < TABLES.keys()
    assert len(TABLES) == TEXT.count("<!-- end -->") == TEXT.count("| reference minus this (95 % interval) | p (Holm)")


def test_planted_evidence_has_a_command_of_its_own(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(ROOT)

    assert main(["planted", "--tables-only", "--out", str(tmp_path)]) == 0

    rows = [line for line in TABLES["evidence"].splitlines() if line.startswith("| planted |")]
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| planted |")]
    assert [row.split("|")[2:6] for row in shown] == [row.split("|")[2:6] for row in rows]


@pytest.mark.parametrize("name", TABLES)
def test_the_results_file_makes_the_tables_of_the_docs(name):
    lines = grid_results(ROOT / f"benchmarks/grids/{name}.json", ROOT / "results/runs.jsonl")

    assert markdown_of(table_rows(lines)) == TABLES[name]
