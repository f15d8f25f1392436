"""``monai-das review round``: pull, fine-tune, evaluate on held-out patients, push the next most uncertain cases."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_das.cli.bundle_option import bundle_of
from monai_das.cli.case_key_option import case_key_of
from monai_das.cli.parser import Parser
from monai_das.cli.predict import add_predict_parser, predict
from monai_das.cli.review_pull import add_places, add_reading, pull
from monai_das.cli.review_verb import Ended, add_projects, add_verb, with_client

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.review import LabelStudioClient, ReaderVerdict, RoundFolder

DESCRIPTION = (
    "One round of learning from readers, into the folder DIR: pull what they said (DIR/review.json), fine-tune BUNDLE "
    "on it (DIR/model, a bundle of the next version), compare both on the patients who are held out "
    "(DIR/evaluation.json), predict the cases that nobody has read, and push those of which the better model is least "
    "sure. Nothing is installed: BUNDLE stays as it is. A round that was interrupted goes on with the same command. "
    "Exit code: 0 the model is no worse, 3 it is worse, 1 answers or cases had faults, 2 nothing could be done "
    "with these arguments."
)


def add_round(verbs: Commands) -> None:
    """Add ``monai-das review round``."""
    parser = add_verb(verbs, "round", "pull, fine-tune, evaluate, push the next: one round", review_round)
    parser.description = DESCRIPTION
    add_projects(parser)
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="DIR", help="folder of this round, a new one")
    add_places(parser)
    add_reading(parser)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="cases to push (default: %(default)s)")
    parser.add_argument("--epochs", type=int, metavar="E", help="of fine-tuning (default: the bundle's own)")
    parser.add_argument("--holdout-every", type=int, metavar="N", help="hold out one in N patients, the same in all "
                        "rounds (default: the bundle's own)")  # fmt: skip
    parser.add_argument("--accept-any-input", action="store_true", help="predict what the model was not made for, too")
    parser.set_defaults(from_html=[])


def review_round(arguments: argparse.Namespace) -> int:
    """Run ``monai-das review round``; see ``DESCRIPTION`` for the exit code."""
    if not arguments.map and not arguments.cases:
        arguments.parser.error("give --map or --cases: where the cases are that are trained on and predicted")
    if arguments.limit < 0:
        arguments.parser.error(f"--limit must be at least 0, got {arguments.limit}")
    return with_client(arguments, lambda client: _round(arguments, client))


def _round(arguments: argparse.Namespace, client: LabelStudioClient) -> Ended:
    from monai_das import review
    from monai_das.inference import bundle_files
    from monai_das.reports import out_folder

    with bundle_files(bundle_of(arguments)) as bundle, out_folder(arguments.out):
        hold_out = review.hold_out_of(bundle, arguments.holdout_every)
        folder = review.open_round(arguments.out, _settings(arguments, bundle, hold_out))
        if not folder.datalist.exists():
            print(
                pull(argparse.Namespace(**{**vars(arguments), "out": folder.datalist, "bundle": bundle}), client).text
            )
        faults = bool(json.loads(folder.datalist.read_text(encoding="utf-8"))["problems"])
        verdicts = review.read_verdicts(folder.datalist)
        change = _evaluated(arguments, bundle, folder, hold_out)
        better = bundle if change["worse"] else folder.model
        failed = _pushed(arguments, client, folder, better, verdicts)
    code = 3 if change["worse"] else 1 if faults or failed else 0
    return Ended(f"fine-tuned: {arguments.out / 'model'}; nothing was installed", code)


def _settings(arguments: argparse.Namespace, bundle: Path, hold_out: Any) -> dict[str, Any]:
    from monai_das.review import weights_digest

    names = ("url", "project", "consensus", "least_seconds", "limit", "epochs", "accept_any_input")
    own = {name: getattr(arguments, name) for name in names}
    return {**own, "weights_sha256": weights_digest(bundle), "holdout": list(hold_out)}


def _evaluated(arguments: argparse.Namespace, bundle: Path, folder: RoundFolder, hold_out: Any) -> dict[str, Any]:
    """Return what fine-tuning changed, after it, or as an earlier run of the round found it."""
    from monai_das import review
    from monai_das.datasets import reviewed_datalist
    from monai_das.inference import Predictor
    from monai_das.reports import write_object

    if not folder.evaluation.exists():
        for part in ("train", "held_out"):
            reviewed_datalist(folder.datalist, part, *hold_out)
        if not folder.model.exists():
            settings = {"holdout_every": hold_out.every, "holdout_seed": hold_out.seed}
            settings |= {} if arguments.epochs is None else {"epochs": arguments.epochs}
            review.fine_tune(bundle, folder.datalist, folder.training, folder.model, **settings)
        held = review.held_out_verdicts(review.read_verdicts(folder.datalist), *hold_out)
        before, after = (Predictor(each, accept_any_input=True) for each in (bundle, folder.model))
        change = review.model_change(before, after, held)
        print(f"{change.table()}\n")
        write_object(change.to_dict(), folder.evaluation)
    found: dict[str, Any] = json.loads(folder.evaluation.read_text(encoding="utf-8"))
    print(found["sentence"])
    return found


def _pushed(
    arguments: argparse.Namespace,
    client: LabelStudioClient,
    folder: RoundFolder,
    bundle: Path,
    verdicts: Iterable[ReaderVerdict],
) -> bool:
    """Push the cases that ``bundle`` is least sure of; say whether some could not be predicted."""
    from monai_das import review
    from monai_das.reports import read_case_map

    key = case_key_of(arguments)
    places = read_case_map(arguments.map) if arguments.map else review.studies_by_id(arguments.cases, key)
    read = {each.case_id for each in verdicts}
    unread = {case: place for case, place in places.items() if case not in read}
    failed = bool(unread) and _predicted(arguments, bundle, unread.values(), folder.predictions, "json")
    chosen = folder.chosen(arguments.limit)
    if not chosen:
        print("no case is left that nobody has read: nothing is pushed")
        return failed
    failed |= _predicted(arguments, bundle, [unread[case] for case in chosen], folder.batch, "json,slices")
    for number in arguments.project:
        pushed = review.push_results(client, number, folder.batch)
        print(f"project {number}: {pushed.added} tasks added, {pushed.same} there already")
    return failed


def _predicted(arguments: argparse.Namespace, bundle: Path, studies: Iterable[Any], out: Path, kinds: str) -> bool:
    """Run ``monai-das predict`` on ``studies``; say whether some failed."""
    parser = Parser("monai-das")
    add_predict_parser(parser.add_subparsers())
    words = ["predict", *map(str, studies), "--bundle", str(bundle), "-o", str(out), "--report", kinds]
    words += ["--case-key", str(arguments.case_key)] if arguments.case_key else []
    words += ["--accept-any-input"] if arguments.accept_any_input else []
    return predict(parser.parse_args(words)) != 0
