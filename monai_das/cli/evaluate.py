"""``monai-das evaluate``: measure predictions, with intervals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


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
        "--readers", type=Path, metavar="FILE", help="from monai-das review pull, or saved by an HTML report"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the JSON object to this file")
    parser.set_defaults(run=evaluate, parser=parser)


def evaluate(arguments: argparse.Namespace) -> int:
    """Run ``monai-das evaluate``; a file that cannot be read or written exits with 2."""
    from monai_das.datasets import datalist_groups
    from monai_das.metrics import evaluate_predictions
    from monai_das.reports import write_object
    from monai_das.review import model_agreement, read_verdicts

    try:
        owners = datalist_groups(arguments.datalist) if arguments.datalist else None
        found = evaluate_predictions(arguments.predictions, arguments.group, owners=owners)
        tables, figures = [found.table()], found.to_dict()
        if arguments.readers:
            verdicts = read_verdicts(arguments.readers)
            agreement = model_agreement(verdicts, found.cases.names, found.cases.probabilities, found.groups)
            tables.append(agreement.table())
            figures["agreement"] = agreement.to_dict()
        if arguments.json:
            write_object(figures, arguments.json)
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    print("\n\n".join([*tables, json.dumps(figures)]))
    return 0
