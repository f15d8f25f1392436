"""``monai-das review pull``: write what readers said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.bundle_option import add_bundle
from monai_das.cli.case_key_option import add_case_key, case_key_of
from monai_das.cli.review_verb import Ended, add_projects, add_verb, said, with_client

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.review import LabelStudioClient


def add_pull(verbs: Commands) -> None:
    """Add ``monai-das review pull``."""
    parser = add_verb(verbs, "pull", "write what the readers said as a MONAI datalist", review_pull)
    parser.description = (
        "Write what the readers said, as a MONAI datalist. Faults are listed in it under problems, and stop nothing "
        "else. Exit code: 0 no fault, 1 faults, 2 nothing could be written with these arguments."
    )
    add_projects(parser, required=False)
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="FILE", help="the datalist (JSON) to write")
    add_places(parser)
    parser.add_argument("--from-html", nargs="+", type=Path, default=[], metavar="FILE", help="what HTML reports saved")
    add_reading(parser)


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add ``--map``, ``--cases`` and ``--case-key``."""
    paths = parser.add_mutually_exclusive_group()
    paths.add_argument("--map", type=Path, metavar="FILE", help="from monai-das predict --map: the paths of the cases, "
                       "without which the datalist cannot train")  # fmt: skip
    paths.add_argument("--cases", nargs="+", type=Path, default=[], metavar="INPUT", help="instead: files, and "
                       "folders that are searched for the cases")  # fmt: skip
    add_case_key(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what decides which answers count."""
    parser.add_argument("--consensus", choices=("majority",), help="one entry for each case: what more than "
                        "half of its readers said; disagreements are listed (default: one each)")  # fmt: skip
    parser.add_argument("--least-seconds", type=float, default=2.0, metavar="S", help="leave out answers that took "
                        "less at the page (default: %(default)s)")  # fmt: skip
    add_bundle(parser)


def review_pull(arguments: argparse.Namespace) -> int:
    """Run ``monai-das review pull``; return 1 if there were faults in what readers said."""
    if not arguments.project and not arguments.from_html:
        arguments.parser.error("nothing to pull from; give --project N or --from-html FILE")
    if not arguments.project:
        return said(arguments, lambda: pull(arguments, None))
    return with_client(arguments, lambda client: pull(arguments, client))


def pull(arguments: argparse.Namespace, client: LabelStudioClient | None) -> Ended:
    """Write the datalist of the projects and files that ``arguments`` name, and say what is in it."""
    from monai_das import review
    from monai_das.inference import bundle_class_names

    classes = None if arguments.bundle is None else bundle_class_names(arguments.bundle)
    parts = [review.page_verdicts(arguments.from_html)]
    if client is not None:
        least = arguments.least_seconds
        parts += [review.exported_verdicts(client.export(number), number, least) for number in arguments.project]
    verdicts, problems = review.joined_verdicts(parts, classes)
    if arguments.map or arguments.cases:
        ids = {verdict.case_id for verdict in verdicts}
        key = case_key_of(arguments)
        paths = review.case_paths(ids, key, map_file=arguments.map, inputs=arguments.cases)
        verdicts = review.with_images(verdicts, paths)
    agreement, apart = review.verdict_agreement(verdicts), None
    if arguments.consensus:
        verdicts, apart = review.majority_verdicts(verdicts)
    review.write_verdicts(verdicts, agreement, arguments.out, problems=problems, disagreements=apart)
    for problem in problems:
        print(arguments.parser.plain(str(problem)), file=sys.stderr)
    text = f"{len(verdicts)} verdicts written; agreement of readers: {agreement}"
    if apart is not None:
        text += f"; readers disagree {len(apart)} times (under disagreements)"
    if problems:
        text += f"; {len(problems)} faults (under problems)"
    return Ended(text, 1 if problems else 0)
