"""``monai-das review``: readers correct the model's selection in Label Studio."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import warnings
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.bundle_option import add_bundle, add_bundle_to_predict, bundle_of
from monai_das.cli.case_key_option import add_case_key, case_key_of
from monai_das.cli.review_pull import add_pull
from monai_das.cli.review_round import add_round
from monai_das.cli.review_verb import add_projects, add_verb, with_client

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.review import LabelStudioClient

BACKEND, BACKEND_TOKEN = "monai-das", "MONAI_DAS_REVIEW_TOKEN"


def add_review_parser(commands: Commands) -> None:
    """Add ``monai-das review`` and its verbs."""
    parser = commands.add_parser("review", help="let readers correct the selection of slices and the class")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    init = add_verb(verbs, "init", "make a project in Label Studio, or find it again", review_init)
    init.add_argument("--title", default="monai-das review", help="default: %(default)s")
    init.add_argument("--kind", choices=("volume", "clip"), default="volume", help="default: %(default)s")
    add_bundle(init)
    init.add_argument("--readers", type=int, default=1, metavar="N", help="a project for each of N readers, who then "
                      "do not see each other (default: one project, whoever reads)")  # fmt: skip
    init.add_argument("--backend", metavar="URL", help="also connect this server of monai-das review serve")
    push = add_verb(verbs, "push", "send results to the readers; what is there already is not sent again", review_push)
    add_projects(push)
    push.add_argument("results", type=Path, metavar="DIR", help="from monai-das predict --report json,slices")
    add_push_options(push)
    add_pull(verbs)
    add_round(verbs)
    status = add_verb(verbs, "status", "how far the readers are", review_status)
    add_projects(status)
    _add_serve(verbs)


def add_push_options(parser: argparse.ArgumentParser) -> None:
    """Add what decides which studies readers get, and what they see of the model: the fields of ``PushOptions``."""
    parser.add_argument("--order", choices=("uncertain", "score", "random"), default="uncertain", help="of studies "
                        "that are not in the project: the least sure first, the surest first, or random (default: "
                        "%(default)s)")  # fmt: skip
    parser.add_argument("--limit", type=int, metavar="N", help="add at most N of these (default: all)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of --order random (default: %(default)s)")
    parser.add_argument("--blind", action="store_true", help="show readers no prediction")
    parser.add_argument("--every-slice", action="store_true", help="show all slices of a volume, not only the "
                        "selected ones and their neighbours")  # fmt: skip


def _add_serve(verbs: Commands) -> None:
    parser = verbs.add_parser("serve", help="predict live for Label Studio, as its ML backend")
    add_bundle_to_predict(parser)
    parser.add_argument("--root", required=True, type=Path, metavar="DIR", help="folder of the cases")
    parser.add_argument("--map", type=Path, metavar="FILE", help="from monai-das predict --map; without it the "
                        "folder is searched for the cases")  # fmt: skip
    add_case_key(parser)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=9090, help="default: %(default)s")
    parser.add_argument("--num-slices", type=int, metavar="K", help="slices to keep (default: the bundle's own)")
    parser.add_argument("--allow-remote", action="store_true", help="let --host be reached from other machines")
    parser.add_argument("--called", action="append", default=[], metavar="NAME", help="a further name by which Label "
                        "Studio calls this machine; requests to any other are refused")  # fmt: skip
    parser.add_argument("--backend-token", default=os.environ.get(BACKEND_TOKEN), metavar="TOKEN", help="asked of who "
                        f"calls; better: ${BACKEND_TOKEN}")  # fmt: skip
    parser.set_defaults(run=review_serve, parser=parser)


def review_init(arguments: argparse.Namespace) -> int:
    """Run ``monai-das review init``."""
    from monai_das.inference import bundle_class_names
    from monai_das.review import ensure_project, labelling_config

    if arguments.readers < 1:
        arguments.parser.error(f"--readers must be at least 1, got {arguments.readers}")
    names = [arguments.title]
    if arguments.readers > 1:
        names = [f"{arguments.title}, reader {number}" for number in range(1, arguments.readers + 1)]

    def act(client: LabelStudioClient) -> str:
        config = labelling_config(arguments.kind, bundle_class_names(bundle_of(arguments)))
        said = []
        for name in names:
            number, made = ensure_project(client, name, config)
            if arguments.backend:
                client.connect_backend(number, arguments.backend, BACKEND, os.environ.get(BACKEND_TOKEN))
            said.append(f"project {number} {'made' if made else 'found'}: {client.url}/projects/{number}/data")
        return "\n".join(said)

    return with_client(arguments, act)


def review_push(arguments: argparse.Namespace) -> int:
    """Run ``monai-das review push``."""
    from monai_das.review import PushOptions, push_results

    def act(client: LabelStudioClient) -> str:
        chosen = {each.name: getattr(arguments, each.name) for each in fields(PushOptions)}
        said = []
        for number in arguments.project:
            pushed = push_results(client, number, arguments.results, PushOptions(**chosen))
            said.append(
                f"project {number}: {pushed.added} tasks added, {pushed.further} with a further prediction or more "
                f"slices, {pushed.same} there already, {pushed.left} studies left for later"
            )
        return "\n".join(said)

    return with_client(arguments, act)


def review_status(arguments: argparse.Namespace) -> int:
    """Run ``monai-das review status``."""
    from monai_das.review import review_progress

    def act(client: LabelStudioClient) -> str:
        found = [review_progress(client, number) for number in arguments.project]
        return "\n".join(
            f"{each.title}: {each.reviewed} of {each.tasks} tasks reviewed, {each.answers} answers, "
            f"{each.predictions} predictions"
            for each in found
        )

    return with_client(arguments, act)


def review_serve(arguments: argparse.Namespace) -> int:
    """Run ``monai-das review serve`` until it is stopped."""
    warnings.filterwarnings("ignore", message=".*NvImgCodecPydicomReader")
    from monai_das.inference import Predictor
    from monai_das.reports import read_case_map
    from monai_das.review import LivePredictions, build_review_backend, run_backend

    try:
        if not _is_loopback(arguments.host) and not (arguments.allow_remote and arguments.backend_token):
            raise ValueError(
                f"{arguments.host} can be reached from other machines; give --allow-remote and set {BACKEND_TOKEN}"
            )
        if arguments.host in ("0.0.0.0", "::") and not arguments.called:
            raise ValueError(
                f"{arguments.host} is no name to be called by; give --called NAME, as Label Studio calls it"
            )
        if arguments.map:
            read_case_map(arguments.map)
        if not arguments.root.is_dir():
            raise ValueError(f"{arguments.root}: no such folder; --root is the folder of the cases")
        predictor = Predictor(
            bundle_of(arguments), num_slices=arguments.num_slices, accept_any_input=arguments.accept_any_input
        )
        live = LivePredictions(predictor, arguments.root, case_key_of(arguments), arguments.map)
        app = build_review_backend(live, arguments.backend_token, [arguments.host, *arguments.called])
    except (OSError, ValueError, ImportError) as error:
        arguments.parser.refuse(error)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    print(f"{live.version} at http://{arguments.host}:{arguments.port}", flush=True)
    run_backend(app, arguments.host, arguments.port)
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
