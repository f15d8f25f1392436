"""The tables of docs/results.md are those of the committed results file, and nothing but it."""

from pathlib import Path

import pytest

from monai_das.benchmark import grid_results
from monai_das.benchmark.tables import markdown_of, table_rows

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["evidence", "adrenal64", "headline", "covid_blues", "covid_blues_severity"])
def test_the_results_file_makes_the_tables_of_the_docs(name):
    lines = grid_results(ROOT / f"configs/grids/{name}.json", ROOT / "results/runs.jsonl")

    assert markdown_of(table_rows(lines)) in (ROOT / "docs/results.md").read_text(encoding="utf-8")
