"""``monai-das new``: look at your own data, and write a bundle that trains on them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_das.cli.case_key_option import add_case_key, case_key_of

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.datasets import Proposal

MOST_NAMED = 10


def add_new_parser(commands: Commands) -> None:
    """Add ``monai-das new``."""
    parser = commands.add_parser(
        "new",
        help="look at your own data and write a bundle that trains on them",
        description="Look at NIfTI files, DICOM folders or clips, join them with labels, show what was found and left "
        "out, and write a bundle, a datalist and the next commands. No file must be edited. Exit code 2: refused.",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of cases; without a table one folder per class")
    parser.add_argument("labels", type=Path, nargs="?", metavar="LABELS.csv", help="table with a column that names "
                        "cases (path, file name, UID or PatientID) and a column with labels")  # fmt: skip
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="PROJECT", help="folder to make")
    parser.add_argument("--id-column", metavar="NAME", help="column that names cases (default: the only one that does)")
    parser.add_argument("--label-column", metavar="NAME", help="column of labels (default: the only one that can be)")
    parser.add_argument("--group-by", metavar="WHAT", help="what a patient is: 'folder' (the first below that of the "
                        "class, or below DATA), a column, or a regular expression with the patient in a case's path in "
                        "brackets, as '(patient_[0-9]+)_' (default: PatientID, else every case)")  # fmt: skip
    parser.add_argument("--axis", choices=("axial", "coronal", "sagittal"), help="default: the plane of most cases")
    parser.add_argument("--num-slices", type=int, metavar="K", help="slices to keep (default: a quarter)")
    parser.add_argument("--seed", type=int, help="of training, validation and test part; in a later round that of the "
                        "first (default: the first by which every part has every class)")  # fmt: skip
    add_case_key(parser)
    parser.set_defaults(run=new, parser=parser)


def new(arguments: argparse.Namespace) -> int:
    """Run ``monai-das new``; data that cannot be trained on exit with 2."""
    from tqdm import tqdm

    from monai_das.data import silence_libraries
    from monai_das.datasets import look_at_data, propose, read_csv_table
    from monai_das.inference import next_commands, write_project

    silence_libraries(include_phi=arguments.include_phi)

    def shown(cases: Iterable[Any]) -> Iterable[Any]:
        return tqdm(cases, desc="looking at cases", unit="case", leave=False)  # type: ignore[no-any-return]

    try:
        look = look_at_data(
            arguments.data,
            case_key_of(arguments),
            None if arguments.labels is None else read_csv_table(arguments.labels),
            (arguments.id_column, arguments.label_column),
            arguments.group_by,
            arguments.seed,
            shown,
        )
        labels = [item["label"] for item in look.parts["training"]]
        proposal = propose(look.facts, labels, arguments.axis, arguments.num_slices)
        write_project(look, proposal, arguments.data, arguments.out)
    except (OSError, ValueError, ImportError) as error:
        arguments.parser.refuse(error)
    _print_rows("found", look.table(proposal))
    for what, why in look.labelled.left_out[: MOST_NAMED if arguments.include_phi else 0]:
        print(f"  {'':<14}{what}: {why}")
    if look.labelled.left_out:
        print(f"  {'':<14}all of them: {arguments.out / 'left_out.csv'}")
    _print_rows("proposed", _proposed(proposal, look.classes))
    print(f"\nwritten to {arguments.out}. Next: train, evaluate, predict\n")
    print("\n\n".join(next_commands(arguments.out)))
    return 0


def _print_rows(title: str, rows: list[tuple[str, str]]) -> None:
    print(title)
    for name, text in rows:
        print(f"  {name:<14}{text}")


def _proposed(proposal: Proposal, classes: tuple[str, ...]) -> list[tuple[str, str]]:
    scale = {name: value for name, value in proposal.intensity.items() if name != "scale"}
    as_is = proposal.intensity == {"scale": "window", "low": 0, "high": 255}
    words = " ".join(f"{name} {value}" for name, value in scale.items())
    weights = ", ".join(f"{name} {weight:g}" for name, weight in zip(classes, proposal.class_weights, strict=True))
    return [
        ("slices", "frames in time" if proposal.clips else proposal.axis),
        ("budget k", f"{proposal.num_slices}"),
        ("thumbnails", f"{proposal.size} x {proposal.size} pixels"),
        ("scaling", "as is: 0 to 255 becomes 0 to 1" if as_is else f"{proposal.intensity['scale']} {words}".strip()),
        ("class weights", weights),
        ("training", f"{proposal.epochs} epochs in batches of {proposal.batch_size}, without flips: sides keep their "
                     "meaning (--flip_prob 0.5 where they have none)"),
    ]  # fmt: skip
