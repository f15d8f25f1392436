"""``monai-das predict``: studies in, reports out."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.cli.types import Commands

REPORTS = ("json", "png", "html")


def add_predict_parser(commands: Commands) -> None:
    """Add ``monai-das predict``."""
    parser = commands.add_parser(
        "predict",
        help="classify studies with a trained bundle, and show the slices it chose",
        description="Write OUT/<case>/result.json and montage.png, or what --report names, for every case. Exit code: "
        "0 all went well, 1 cases "
        "failed (OUT/errors.json names them), 2 nothing could be done with these arguments.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="NIfTI file, DICOM file or folder, folder of cases")
    parser.add_argument("--bundle", default="bundle", metavar="DIR", help="folder of the bundle (default: %(default)s)")
    parser.add_argument("-o", "--out", required=True, metavar="OUT", type=Path, help="folder for the reports")
    parser.add_argument(
        "--report",
        type=report_kinds,
        default=("json", "png"),
        metavar="KINDS",
        help="of json, png and html, with commas between (default: json,png)",
    )
    parser.add_argument("--num-slices", type=int, metavar="K", help="slices to keep (default: the bundle's own)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    parser.set_defaults(run=predict, parser=parser)


def report_kinds(words: str) -> tuple[str, ...]:
    """Return the kinds of reports in ``words``, as in ``json,html``; an unknown one is an error of usage."""
    kinds = tuple(word.strip() for word in words.split(","))
    unknown = sorted(set(kinds) - set(REPORTS))
    if unknown:
        raise argparse.ArgumentTypeError(f"invalid choice: {', '.join(unknown)} (of {', '.join(REPORTS)})")
    return kinds


def predict(arguments: argparse.Namespace) -> int:
    """Run ``monai-das predict``: 0 when all cases went well, 1 when some failed; a usage error exits with 2."""
    # MONAI says at every LoadImage that this optional reader is not installed
    warnings.filterwarnings("ignore", message=".*NvImgCodecPydicomReader")
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    from tqdm import tqdm

    from monai_das.data import find_cases
    from monai_das.inference import Predictor
    from monai_das.reports import CaseError, report_cases

    try:
        missing = [Path(each) for each in arguments.inputs if not Path(each).exists()]
        cases = find_cases([each for each in arguments.inputs if Path(each) not in missing] or arguments.inputs)
        predictor = Predictor(arguments.bundle, arguments.device, arguments.num_slices)
        arguments.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    cases += [(f"(missing) {path.name}", path) for path in missing]
    failed = 0
    for outcome in tqdm(report_cases(predictor, cases, arguments.out, arguments.report), total=len(cases), unit="case"):
        if isinstance(outcome, CaseError):
            failed += 1
            tqdm.write(f"{outcome.case}: {outcome.error}", file=sys.stderr)
        else:
            probability = outcome.probabilities[outcome.label_name]
            tqdm.write(f"{outcome.case_id}: {outcome.label_name} ({probability:.1%})")
    print(f"{len(cases) - failed} of {len(cases)} cases written to {arguments.out}")
    return 1 if failed else 0
