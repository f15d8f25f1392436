"""``monai-das cohort``: classify an archive."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.bundle_option import add_bundle_to_predict, bundle_of
from monai_das.cli.case_key_option import add_case_key, case_key_of
from monai_das.cli.memory_option import add_max_memory, max_memory_of
from monai_das.cli.predict import report_kinds
from monai_das.cli.runtime_option import add_runtime, kept_graphs

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.cohort import CohortOptions, CohortProgress, CohortSummary, Engine

MANIFEST = (
    "Parquet or CSV with the columns case_id and location (a file, the folder of a series, or an address) and, where "
    "they are known, series_uid, modality, sop_class, transfer_syntax, instances and bytes"
)


def add_cohort_parser(commands: Commands) -> None:
    """Add ``monai-das cohort``."""
    parser = commands.add_parser(
        "cohort",
        help="classify thousands of cases: workers, shards, Ray; can be ended and continued at any time",
        description="Keep a row for every case of MANIFEST in OUT/ledger (Parquet). The same command continues a run "
        "that was ended, and does nothing twice. Exit code: 0 every case has an answer or was refused by the model's "
        "contract, 1 cases failed or are missing, 2 nothing could be done with these arguments.",
    )
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help=MANIFEST)
    parser.add_argument("-o", "--out", type=Path, metavar="OUT", help="folder of the cohort (not needed for --plan)")
    add_bundle_to_predict(parser)
    add_case_key(parser)
    parser.add_argument("--plan", action="store_true", help="check the manifest, print what would be done, and end")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of one thread (default: 1)")
    parser.add_argument(
        "--address", metavar="ADDRESS", help="of a Ray cluster (auto, ray://HOST:PORT), or local to start one here"
    )
    parser.add_argument(
        "--shard", type=_shard, default=(0, 1), metavar="I/N", help="do part I of N, counted from 0, as under Slurm"
    )
    parser.add_argument(
        "--report",
        type=report_kinds,
        default=(),
        metavar="KINDS",
        help="also write reports, as predict (default: none)",
    )
    parser.add_argument("--timeout", type=float, default=600.0, metavar="S", help="seconds for a case (default: 600)")
    parser.add_argument("--retry-failed", action="store_true", help="do again what failed, crashed or took too long")
    parser.add_argument(
        "--thumbnails", type=Path, metavar="DIR", help="keep thumbnails there; another model or budget reads them"
    )
    parser.add_argument("--num-slices", type=int, metavar="K", help="slices to keep (default: the bundle's own)")
    add_max_memory(parser)
    add_runtime(parser)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    parser.set_defaults(run=cohort, parser=parser)


def cohort(arguments: argparse.Namespace) -> int:
    """Run ``monai-das cohort``; see its help for the exit codes."""
    from monai_das.data import silence_libraries
    from monai_das.reports import CannotWriteError

    silence_libraries()
    try:
        if arguments.plan:
            return _print_plan(arguments)
        if arguments.out is None:
            raise ValueError("give -o OUT, or --plan")
        if arguments.timeout <= 0:
            raise ValueError(f"--timeout must be above 0 seconds, got {arguments.timeout:g}")
        summary = _run(arguments)
    except CannotWriteError as error:
        said = arguments.parser.plain(str(error))
        print(f"monai-das cohort: error: {said}; make room, and run again", file=sys.stderr)
        return 1
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        arguments.parser.refuse(error)
    counts = ", ".join(f"{count} {state}" for state, count in summary.states.items() if count)
    print(f"{counts}; {summary.new} of them now, in {summary.seconds:.1f} s; see {arguments.out}/summary.html")
    if summary.missing:
        print(f"{len(summary.missing)} cases have no row, such as {summary.missing[0]}; run again", file=sys.stderr)
    return 0 if summary.complete else 1


def _run(arguments: argparse.Namespace) -> CohortSummary:
    from tqdm import tqdm

    from monai_das.cohort import run_cohort

    with tqdm(unit="case") as bar:

        def said(progress: CohortProgress) -> None:
            bar.total = progress.total
            bar.initial = bar.initial or sum(progress.states.values()) - progress.new
            bar.set_postfix({"MB": progress.size >> 20, **progress.states}, refresh=False)
            bar.update(sum(progress.states.values()) - bar.n)

        return run_cohort(
            arguments.manifest, bundle_of(arguments), arguments.out, _engine(arguments), _options(arguments), said
        )


def _engine(arguments: argparse.Namespace) -> Engine:
    from monai_das.cohort import LocalEngine, RayEngine

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray tells its makers nothing
    if arguments.address is None:
        return LocalEngine(arguments.workers)
    return RayEngine(arguments.workers, None if arguments.address == "local" else arguments.address)


def _options(arguments: argparse.Namespace) -> CohortOptions:
    from monai_das.cohort import CohortOptions

    return CohortOptions(
        key=case_key_of(arguments),
        device=arguments.device,
        num_slices=arguments.num_slices,
        accept_any_input=arguments.accept_any_input,
        reports=tuple(arguments.report),
        timeout=arguments.timeout,
        max_memory=max_memory_of(arguments),
        thumbnails=arguments.thumbnails,
        runtime=arguments.runtime,
        graphs=kept_graphs(),
        shard=arguments.shard,
        retry_failed=arguments.retry_failed,
    )


def _print_plan(arguments: argparse.Namespace) -> int:
    from monai_das.cohort import plan_cohort, read_manifest
    from monai_das.inference import bundle_contract

    contract = bundle_contract(bundle_of(arguments))
    plan = plan_cohort(read_manifest(arguments.manifest), contract, accept_any_input=arguments.accept_any_input)
    print(plan.table())
    return 0


def _shard(words: str) -> tuple[int, int]:
    number, slash, count = words.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"must be I/N with 0 <= I < N, got {words}")
    return int(number), int(count)
