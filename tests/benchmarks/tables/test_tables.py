import csv
import json

import numpy as np
import pytest

from benchmarks.commands import main
from benchmarks.engine.results_file import packed, packed_predictions
from benchmarks.tables import markdown_of, table_rows, write_tables

LABELS = np.arange(80) % 2


def run_line(method, seed, quality, budget=0.25, labels=LABELS, **more):
    """A line as a run of ``method`` writes it, whose predictions separate the classes by ``quality``."""
    logits = quality * labels + np.random.default_rng(seed).normal(size=len(labels))
    positive = 1.0 / (1.0 + np.exp(-logits))
    line = {"job": f"{method}{seed}{budget}", "data": "adrenal28", "method": method, "budget": budget, "seed": seed}
    line |= {"fold": None, "k": 7, "cpu_seconds": 60.0, "val": {"auc": 0.8}, "test": {"ms": 2.0, "recall": 0.5}}
    return line | packed_predictions(np.stack((1.0 - positive, positive), axis=1), labels) | more


@pytest.fixture
def lines():
    methods = (("das", 3.0, 0.25), ("top_variance", 3.0, 0.25), ("dps", 0.0, 0.25), ("full", 2.9, None))
    return [run_line(name, seed, quality, budget) for name, quality, budget in methods for seed in range(3)]


def test_methods_are_compared_with_das_on_the_same_samples(lines):
    rows = {row.method: row for row in table_rows(lines, draws=300)}

    assert rows["das"].p is None
    assert rows["das"].low < rows["das"].auc < rows["das"].high
    assert rows["top_variance"].difference == 0.0
    assert (rows["top_variance"].difference_low, rows["top_variance"].p) == (0.0, 1.0)
    assert rows["dps"].difference > 0.3
    assert rows["dps"].difference_low > 0.2
    assert rows["dps"].p < 0.05
    assert rows["full"].budget is None
    assert (rows["das"].seeds, rows["das"].recall, rows["das"].val_auc) == (3, 0.5, 0.8)


def test_without_das_the_best_is_the_reference(lines):
    rows = table_rows([line for line in lines if line["method"] != "das"], draws=50)

    assert [row.method for row in rows if row.p is None] == [rows[0].method]


def test_only_seeds_that_both_have_are_compared(lines):
    fewer = [line for line in lines if line["method"] != "dps" or line["seed"] == 1]
    none = [line for line in lines if line["method"] != "dps"] + [run_line("dps", 9, 0.0)]

    assert next(row for row in table_rows(fewer, 50) if row.method == "dps").difference is not None
    assert next(row for row in table_rows(none, 50) if row.method == "dps").difference is None


def test_rows_with_a_run_of_the_old_engine_are_marked(lines):
    new = [line | {"engine": "monai"} if line["seed"] or line["method"] != "das" else line for line in lines]

    marked = markdown_of(table_rows(new, draws=50))
    plain = markdown_of(table_rows([line | {"engine": "monai"} for line in lines], draws=50))

    assert [row.split(" | ")[2] for row in marked.splitlines() if "†" in row and row.startswith("|")] == ["das †"]
    assert marked.splitlines()[-2:] == ["", "† trained by the engine before 2026-12; to be run again"]
    assert "†" not in plain


def test_folds_stand_beside_the_seeds():
    lines = [run_line("das", seed, 2.0, fold=fold) for seed in (0, 1) for fold in (0, 1, 2)]

    rows = table_rows(lines, draws=50)

    assert (rows[0].seeds, rows[0].folds) == (2, 3)
    assert "| das † | 2 x 3 folds |" in markdown_of(rows)


def test_a_training_that_lacks_folds_is_left_out():
    places = [(0, 0), (0, 1), (1, 0)]

    (row,) = table_rows([run_line("das", seed, 2.0, fold=fold) for seed, fold in places], draws=50)
    (first,) = table_rows([run_line("das", seed, 2.0, fold=fold) for seed, fold in places[:2]], draws=50)

    assert row == first
    assert (row.seeds, row.folds) == (1, 2)


def test_recalls_are_compared_case_by_case(lines):
    """Half of the telling slices of every case by ``dps``, all by the others, whose difference is zero for sure."""
    for line in lines:
        share = 0.5 if line["method"] == "dps" else 1.0
        line["recalls"] = packed(np.full(80, share, "<f2"))
        line["test"] = {"ms": 2.0, "recall": share}

    rows = {row.method: row for row in table_rows(lines, draws=50)}

    gaps = {name: (row.recall_difference, row.recall_difference_low) for name, row in rows.items()}
    assert gaps == {"das": (None, None), "dps": (0.5, 0.5), "top_variance": (0.0, 0.0), "full": (0.0, 0.0)}
    assert "| 0.500 | +0.500 (+0.500 to +0.500) |" in markdown_of(list(rows.values()))


def test_other_cases_are_not_compared(lines):
    other = [line for line in lines if line["method"] != "dps"] + [run_line("dps", 0, 1.0, labels=LABELS[::-1])]

    assert next(row for row in table_rows(other, 50) if row.method == "dps").p is None


def test_tables_and_plots_are_written(lines, tmp_path):
    text = write_tables(lines, tmp_path, "headline", draws=50)

    table = list(csv.DictReader((tmp_path / "headline.csv").read_text().splitlines()))
    assert (tmp_path / "headline.md").read_text() == text + "\n"
    assert "| adrenal28 | all | full † | 3 |" in text
    assert {row["method"] for row in table} == {"das", "top_variance", "dps", "full"}
    names = ("headline_adrenal28_budget.png", "headline_adrenal28_cost.png")
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_the_command_makes_tables_of_what_is_there(lines, write_grid, masks, tmp_path, capsys):
    grid, results = write_grid(methods=["centre"]), tmp_path / "runs.jsonl"
    options = ["--grid", str(grid), "--results", str(results)]

    codes = [main(["table", *options, "--jobs", "0", "--data", str(masks)])]
    codes.append(main(["table", *options, "--tables-only", "--out", str(tmp_path / "out")]))

    assert codes == [0, 0]
    assert "| adrenal28 | 12.5% | centre | 1 |" in capsys.readouterr().out
    assert (tmp_path / "out" / "small.csv").is_file()


def test_several_grids_are_run_one_after_the_other(write_grid, masks, tmp_path):
    grid = write_grid(methods=["centre"])
    other = grid.with_name("other.json")
    other.write_text(json.dumps({"like": grid.name, "methods": ["uniform"]}), encoding="utf-8")
    places = ["--results", str(tmp_path / "runs.jsonl"), "--data", str(masks)]

    code = main(["table", "--grid", str(grid), str(other), "--jobs", "0", *places])

    tables = [(tmp_path / f"{each.stem}.md").read_text() for each in (grid, other)]
    assert code == 0
    assert ["| centre |" in table for table in tables] == [True, False]
    assert ["| uniform |" in table for table in tables] == [False, True]


def test_the_command_names_what_it_cannot_read(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["table", "--grid", str(tmp_path / "absent.json"), "--tables-only"])

    assert exit_.value.code == 2
    assert "absent.json" in capsys.readouterr().err


def test_clips_of_one_patient_are_drawn_together():
    labels = np.repeat([0, 1, 0, 1, 1, 0], 20)
    quality = np.repeat([1.5, -1.0, -1.5, 1.0, 2.0, -1.0], 20)  # by patient, not by clip
    lines = [run_line("das", 0, quality, labels=labels, fold=0)]
    patients = {"groups": np.repeat(np.arange(6), 20).tolist()}

    (plain,), (grouped,) = (table_rows(each, draws=300) for each in (lines, [lines[0] | patients]))

    assert grouped.auc == plain.auc
    assert grouped.high - grouped.low > 1.5 * (plain.high - plain.low)
