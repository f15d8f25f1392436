"""The tables of the docs are those of the committed results file, and nothing but it."""

import re
from functools import cache
from pathlib import Path

import pytest

from benchmarks.commands.pages import table_of
from benchmarks.tables import PAGES, filled, page_of

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
# what a command printed that needs kept weights, a clock or other data than the results file
RECORDED = {"active", "choice", "cost", "io", "lgg_plan", "needle", "notebook", "policies", "readers", "thumbnails"}


@cache
def committed_table(name):
    return table_of(name, ROOT / "results/runs.jsonl")


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("name", PAGES)
def test_the_results_file_makes_the_page(name):
    assert page_of(name, committed_table(name)) == (DOCS / f"results/{name}.md").read_text(encoding="utf-8")


def test_the_results_file_makes_the_rows_of_the_summary():
    text = (DOCS / "results.md").read_text(encoding="utf-8")

    assert filled(text, {name: committed_table(name) for name in PAGES}) == text
    assert text.count("<!-- rows of ") == text.count("| test AUC (95 % interval) | reference minus this")


def test_no_page_is_overlooked_and_the_summary_links_to_each():
    pages = {path.stem for path in (DOCS / "results").glob("*.md")}

    assert pages == PAGES.keys() | RECORDED
    assert set(re.findall(r"\(results/(\w+)\.md\)", (DOCS / "results.md").read_text(encoding="utf-8"))) == pages


def test_the_summary_stays_short():
    assert len((DOCS / "results.md").read_text(encoding="utf-8").splitlines()) <= 200
