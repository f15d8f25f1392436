from pathlib import Path

import pytest

from benchmarks.commands import main
from benchmarks.tables import PAGES, filled

ROOT = Path(__file__).parents[3]
TABLE = """| data | slices | method | seeds | test AUC (95 % interval) | reference minus this (95 % interval) | recall |
|---|---|---|---|---|---|---|
| masks | all | full | 1 | 0.9 | -0.1 |  |
| masks | 25.0% | das † | 1 | 0.8 | reference |  |
| masks | 12.5% | das † | 1 | 0.7 | reference |  |
| masks | all | full | 1 | 0.9 | -0.2 |  |"""


def page(wanted, rows=""):
    return f"before\n\n<!-- rows of small: {wanted} -->\n\n{rows}<!-- end -->\n\nafter\n"


def test_a_block_gets_the_rows_that_it_names_without_empty_columns():
    text = filled(page("masks 12.5%: das; full"), {"small": TABLE})

    assert text.splitlines()[4:8] == [
        "| data | slices | method | seeds | test AUC (95 % interval) | reference minus this (95 % interval) |",
        "|---|---|---|---|---|---|",
        "| masks | 12.5% | das † | 1 | 0.7 | reference |",
        "| masks | all | full | 1 | 0.9 | -0.2 |",
    ]
    assert filled(text, {"small": TABLE}) == text


def test_a_block_may_name_several_budgets():
    text = filled(page("masks 25.0%: full | masks 12.5%: das"), {"small": TABLE})

    assert "| masks | all | full | 1 | 0.9 | -0.1 |\n| masks | 12.5% | das † | 1 | 0.7 | reference |" in text


def test_an_unknown_table_names_those_there_are():
    with pytest.raises(ValueError, match="rows of small: no such table; use one of headline"):
        filled(page("masks 25.0%: das"), {"headline": TABLE})


@pytest.mark.parametrize("wanted", ["masks 25.0%: dps", "masks 50.0%: full"])
def test_an_unknown_row_names_the_budgets_there_are(wanted):
    with pytest.raises(ValueError, match=r"the table has no row of .* on masks at .*; it has \['12.5%', '25.0%'\]"):
        filled(page(wanted), {"small": TABLE})


def test_the_command_writes_all_pages(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("benchmarks.commands.pages.table_of", lambda name, results: f"| {name} |")
    (tmp_path / "results.md").write_text("nothing to fill in\n")

    assert main(["pages", "--docs", str(tmp_path)]) == 0

    assert {path.stem for path in (tmp_path / "results").iterdir()} == PAGES.keys()
    assert (tmp_path / "results.md").read_text() == "nothing to fill in\n"
    assert str(tmp_path / "results" / "headline.md") in capsys.readouterr().out


def test_a_missing_results_file_exits_with_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    with pytest.raises(SystemExit) as stopped:
        main(["pages", "--results", str(tmp_path / "none.jsonl")])

    assert stopped.value.code == 2
    assert "none.jsonl" in capsys.readouterr().err
