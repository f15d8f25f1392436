"""The tables of docs/results.md are those of the committed results file, and nothing but it."""

import re
from pathlib import Path

import pytest

from monai_das.benchmark import grid_results
from monai_das.benchmark.tables import markdown_of, table_rows

ROOT = Path(__file__).parents[2]
TABLES = dict(re.findall(r"<!-- (\w+) -->\n\n(.*?)\n\n<!-- end -->", (ROOT / "docs/results.md").read_text(), re.DOTALL))


def test_every_table_is_of_a_grid():
    assert {"evidence", "adrenal64", "headline", "covid_blues"} < TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_the_results_file_makes_the_tables_of_the_docs(name):
    lines = grid_results(ROOT / f"configs/grids/{name}.json", ROOT / "results/runs.jsonl")

    assert markdown_of(table_rows(lines)) == TABLES[name]
