"""``monai-das evaluate``: measure predictions, with intervals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.cli.types import Commands

DATALIST = "datalist.json"


def add_evaluate_parser(commands: Commands) -> None:
    """Add ``monai-das evaluate``."""
    parser = commands.add_parser(
        "evaluate",
        help="measure predictions: AUC, accuracy, calibration, agreement with readers, with 95 %% intervals",
        description="Measure what a bundle's evaluate.json wrote, with 95 % bootstrap intervals. Prints tables, and "
        "one JSON object as the last line. Exit code 2: a file cannot be read or written.",
    )
    parser.add_argument(
        "predictions", type=Path, nargs="+", metavar="predictions.csv", help="from evaluate.json, of every fold"
    )
    groups = parser.add_mutually_exclusive_group()
    groups.add_argument(
        "--datalist",
        type=Path,
        metavar="FILE",
        help="that was evaluated: the patients of the cases (its group, by name): the bootstrap draws whole patients",
    )
    groups.add_argument(
        "--group",
        metavar="REGEX",
        help="the patient in a case's name, in brackets, as '^(patient_[0-9]+)_', where the names hold it",
    )
    parser.add_argument(
        "--bundle", type=Path, metavar="BUNDLE", help="whose predictions these are: answers are given at its decision "
        "threshold; its datalist.json says who the patients are, where it has one",
    )  # fmt: skip
    parser.add_argument(
        "--write", action="store_true", help="also write the figures into metadata and README of the folder --bundle"
    )
    parser.add_argument(
        "--readers", type=Path, metavar="FILE", help="from monai-das review pull, or saved by an HTML report"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the JSON object to this file")
    parser.set_defaults(run=evaluate, parser=parser)


def evaluate(arguments: argparse.Namespace) -> int:
    """Run ``monai-das evaluate``; a file that cannot be read or written exits with 2."""
    from monai_das.datasets import datalist_places
    from monai_das.inference import bundle_contract, write_figures
    from monai_das.metrics import evaluate_predictions
    from monai_das.reports import write_object
    from monai_das.review import model_agreement, read_verdicts

    bundle: Path | None = arguments.bundle
    try:
        contract = None if bundle is None else bundle_contract(bundle)
        threshold = None if contract is None else contract.threshold
        datalist = arguments.datalist
        if bundle is not None and not datalist and not arguments.group and (bundle / DATALIST).is_file():
            datalist = bundle / DATALIST
        places = datalist_places(datalist) if datalist else {}
        owners = {name: group for name, (_, group) in places.items()} if datalist else None
        found = evaluate_predictions(arguments.predictions, arguments.group, owners=owners, threshold=threshold)
        tables, figures = [found.table()], found.to_dict()
        if contract is not None and figures["classes"] != len(contract.classes):
            raise ValueError(f"{bundle} has {len(contract.classes)} classes, the predictions {figures['classes']}")
        if arguments.readers:
            verdicts = read_verdicts(arguments.readers)
            agreement = model_agreement(verdicts, found.cases.names, found.cases.probabilities, found.groups, threshold)
            tables.append(agreement.table())
            figures["agreement"] = agreement.to_dict()
        if arguments.json:
            write_object(figures, arguments.json)
        if arguments.write and bundle is None:
            raise ValueError("--write needs --bundle, the folder to write into")
        if arguments.write and bundle is not None:
            write_figures(bundle, figures, {places[name][0] for name in found.cases.names if name in places})
    except (OSError, ValueError) as error:
        arguments.parser.refuse(error)
    print("\n\n".join([*tables, json.dumps(figures)]))
    return 0
