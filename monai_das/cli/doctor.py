"""``monai-das doctor``: what is here, what is missing, and what to do."""

from __future__ import annotations

import argparse
import ast
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.bundle_option import add_bundle, bundle_of
from monai_das.cli.case_key_option import VARIABLE, user_key_file

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.inference import Check


def add_doctor_parser(commands: Commands) -> None:
    """Add ``monai-das doctor``."""
    parser = commands.add_parser(
        "doctor",
        help="check packages, extras, GPU, folders, data, a bundle, and overrides of its configs",
        description="Check what the package needs. Exit code: 0 all that is needed is here, 1 something is missing or "
        "an override changes nothing, 2 the configs cannot be read.",
    )
    add_bundle(parser)
    parser.add_argument("--config_file", default="configs/train.json", metavar="FILES", help="as for monai.bundle run: "
                        "a file, or \"['first.json','second.json']\" (default: %(default)s)")  # fmt: skip
    parser.add_argument("overrides", nargs=argparse.REMAINDER, metavar="...", help="after --: the overrides that you "
                        "would give to monai.bundle run, such as -- --epochs 3")  # fmt: skip
    parser.set_defaults(run=doctor, parser=parser)


def doctor(arguments: argparse.Namespace) -> int:
    """Run ``monai-das doctor``; return 1 if something needed is missing. Configs that cannot be read exit with 2."""
    from monai_das.inference import Check, check_bundle, check_contract, unknown_overrides

    checks = _machine()
    try:
        bundle = bundle_of(arguments)
        checks.append(check_bundle(bundle))
        if checks[-1].state == "ok":
            checks += check_contract(bundle)
        keys = [word[2:].partition("=")[0] for word in arguments.overrides if word.startswith("--") and word != "--"]
        if keys or arguments.config_file != arguments.parser.get_default("config_file"):
            unknown = unknown_overrides(bundle, _files(arguments.config_file), keys)
            checks += [Check("override", text, "missing") for text in unknown]
    except (OSError, ValueError, SyntaxError) as error:
        arguments.parser.refuse(error)
    for check in checks:
        print(f"{check.state:<8} {check.name}: {arguments.parser.plain(check.found)}")
    missing = sum(check.state == "missing" for check in checks)
    print(f"{missing} to mend" if missing else "all that is needed is here")
    return 1 if missing else 0


def _machine() -> list[Check]:
    from monai_das.inference import check_data, check_folder, check_gpu, check_packages

    folders = {
        "working folder": Path.cwd(),
        "temporary folder": Path(tempfile.gettempdir()),
        "cache": Path.home() / ".cache" / "monai_das",
    }
    checks = [*check_packages(), check_gpu(), *(check_folder(name, folder) for name, folder in folders.items())]
    return [*checks, check_data(os.environ.get("MONAI_DAS_DATA")), _case_key()]


def _case_key() -> Check:
    from monai_das.data import read_case_key
    from monai_das.inference import Check

    named = os.environ.get(VARIABLE)
    file = Path(named) if named else user_key_file()
    if not named and not file.exists():
        return Check("case key", f"{file} is made when cases are first named", "note")
    try:
        read_case_key(file)
    except (OSError, ValueError) as error:
        return Check("case key", str(error), "missing")
    return Check("case key", f"{file}; keep a copy, ids of cases depend on it")


def _files(words: str) -> list[str]:
    """Return the config files in ``words``, which may be a list as MONAI takes it."""
    return [str(each) for each in ast.literal_eval(words)] if words.startswith("[") else [words]
