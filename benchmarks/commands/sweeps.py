"""``python -m benchmarks table | choice | policies``: sweeps and their tables."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands.arguments import at_least, data_folder, or_exit

if TYPE_CHECKING:
    from benchmarks.engine.grid import DataEntry
    from monai_das.cli.types import Commands

USUAL = Path("benchmarks/grids/headline.json")
JOBS = "processes of one thread each, 0: this process (default: %(default)s)"
RESULTS = Path("results/runs.jsonl")
MEDMNIST = Path("benchmarks/grids/medmnist3d.json")
AFTERWARDS = {
    "choice": "hide the chosen slices from a judge that sees all, and shift the volume",
    "policies": "give DAS the slices that another case or the training set chose, and other budgets",
}


def add_sweep_parsers(verbs: Commands) -> None:
    """Add the sweep of a grid, and what looks at its weights afterwards, to the parsers of ``python -m benchmarks``."""
    parser = verbs.add_parser("table", help="train the methods of grids on equal terms, and make the tables")
    parser.add_argument(
        "--grid",
        type=Path,
        nargs="+",
        metavar="GRID",
        help=f"one after the other (default: {USUAL}; for a set of MedMNIST3D {MEDMNIST})",
    )
    parser.add_argument(
        "--results", type=Path, help=f"runs so far (default: {RESULTS}; for a set of MedMNIST3D NAME/runs.jsonl)"
    )
    parser.add_argument("--jobs", type=at_least(0), default=1, help=JOBS)
    parser.add_argument(
        "--data",
        metavar="FOLDER|NAME",
        help="folder of the data (default: $MONAI_DAS_DATA), or a set of MedMNIST3D in it instead of the grid's, "
        "at 28 cubed (organmnist3d) or 64 (organmnist3d_64)",
    )
    parser.add_argument("--out", type=Path, help="folder for tables and plots (default: that of the results)")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="keep trained weights, for choice and policies")
    parser.add_argument("--tables-only", action="store_true", help="run nothing: tables of what the results hold")
    parser.set_defaults(run=sweep_command, parser=parser)
    for name, text in AFTERWARDS.items():
        parser = verbs.add_parser(name, help=text)
        parser.add_argument("--grid", type=Path, default=USUAL, help="default: %(default)s")
        parser.add_argument("--weights", type=Path, required=True, metavar="DIR", help="what a sweep with it kept")
        parser.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA)")
        parser.set_defaults(run=afterwards_command, parser=parser, name=name)


def sweep_command(arguments: argparse.Namespace) -> int:
    """Run sweeps and write their tables; an unreadable file, or nothing to show, exits with 2."""
    from benchmarks.engine.sweep import grid_results, run_sweep
    from benchmarks.tables import write_tables

    data, say = or_exit(arguments, lambda: medmnist3d_entries(arguments.data)), partial(print, flush=True)
    usual, results = (MEDMNIST, Path(arguments.data) / "runs.jsonl") if data else (USUAL, RESULTS)
    arguments.data = None if data else arguments.data
    root, results = data_folder(arguments), arguments.results or results

    def tables_of(grid: Path) -> str:
        if not arguments.tables_only:
            run_sweep(grid, results, root, arguments.jobs, say, arguments.weights, data)
        lines = grid_results(grid, results, data)
        return write_tables(lines, arguments.out or results.parent, grid.stem)

    for grid in arguments.grid or [usual]:
        print(or_exit(arguments, partial(tables_of, grid)))
    return 0


def medmnist3d_entries(name: str | None) -> list[DataEntry]:
    """Return the data set of a grid that is the set ``name`` of MedMNIST3D; none where ``name`` is a folder.

    Raises:
        ValueError: ``name`` is neither.
    """
    from monai_das.datasets.medmnist import MD5

    known, _, size = (name or "").partition("_")
    if known not in MD5 or size not in ("", "64"):
        if name and not Path(name).is_dir():
            raise ValueError(f"--data must be a folder or one of {', '.join(MD5)} (_64 behind it), got {name!r}")
        return []
    asked = {
        "dataset_name": known,
        "num_classes": "$1 + max(int(case['label']) for case in @all_cases)",
        "contract": None,
    }
    return [{"name": str(name), "data": f"adrenal{size or 28}", "set": asked}]


def afterwards_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks choice | policies``; weights that are not there exit with 2."""
    from benchmarks.studies.choice import run_choice
    from benchmarks.studies.policies import run_policies

    run = {"choice": run_choice, "policies": run_policies}[arguments.name]
    print(or_exit(arguments, lambda: run(arguments.grid, arguments.weights, data_folder(arguments))))
    return 0
