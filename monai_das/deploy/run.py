"""Run the application with the arguments of a command line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from monai_das.deploy.libraries import load_deploy_libraries

if TYPE_CHECKING:
    from monai_das.data import CaseKey

QUIET = ("monai.deploy.operators.dicom_data_loader_operator.DICOMDataLoaderOperator",)


@dataclass(frozen=True)
class DeploySettings:
    """What else the application is told.

    Attributes:
        choose: which of several volumes in a series to take, as for :func:`monai_das.data.open_source`.
        series: of those that the rules select, only the one with this SeriesInstanceUID or SeriesDescription.
        accept_any_input: classify series that the model was not made for, too; every output says so.
        runtime, graphs: for :class:`~monai_das.inference.Predictor`.
    """

    choose: Mapping[str, object] = field(default_factory=dict)
    series: str | None = None
    accept_any_input: bool = False
    runtime: str = "torch"
    graphs: Path | None = None


def run_deploy_app(
    arguments: Sequence[str], rules: Path, case_key: Callable[[], CaseKey], settings: DeploySettings
) -> int:
    """Run the MONAI Deploy application; return 0, or 1 if a case failed or no series fits the rules.

    Every selected series gets ``OUT/<case>/`` with ``result.json``, ``report.dcm`` and ``key_objects.dcm``. Errors are
    in ``OUT/errors.json`` and the log.

    Args:
        arguments: the SDK's: ``-i DICOM_DIR -o OUT -m model.ts``, and ``-l`` for the level of the log. The default is
            WARN, because the SDK's log at INFO holds descriptions and file names. ``HOLOSCAN_INPUT_PATH`` and the
            other variables of a MONAI Application Package work too.
        rules: JSON file of selections, for the SDK's ``DICOMSeriesSelectorOperator``.
        case_key: returns the key that names the cases; called once MONAI can be imported.
        settings: what else it is told.

    Raises:
        ImportError: a library is missing; the message names it.
        OSError, ValueError: the model, the rules or the key cannot be read.
        SystemExit: 2, the arguments are wrong.
    """
    load_deploy_libraries()
    application = import_module("monai_das.deploy.application")
    selections = read_rules(rules)
    context = application.init_app_context(["deploy_app", "-l", "WARN", *arguments])
    # it logs the names of files that are no DICOM
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    with TemporaryDirectory() as scratch:
        failures: int = application.run_application(context, selections, Path(scratch), case_key(), settings)
    return 1 if failures else 0


def read_rules(path: Path) -> str:
    """Return the text of the JSON file ``path`` once it is checked to hold selections with conditions.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file holds no JSON or no selections; the message names it.
    """
    text = path.read_text(encoding="utf-8")
    try:
        selections = json.loads(text)["selections"]
        complete = bool(selections) and all(selection["conditions"] for selection in selections)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no rules ({error!r}); see docs/deploy.md for their form") from error
    if not complete:
        raise ValueError(f"{path}: rules without selections or conditions; see docs/deploy.md for their form")
    return text


def model_file(path: Path) -> Path:
    """Return the TorchScript file ``path``, or the only one in the folder ``path`` or below it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: there are several.
    """
    if path.is_file():
        return path
    found = sorted(path.rglob("*.ts"))
    if not found:
        raise FileNotFoundError(f"{path}: no TorchScript file (*.ts); give -m bundle/models/model.ts")
    if len(found) > 1:
        raise ValueError(f"{path}: {len(found)} TorchScript files; give one of them: {', '.join(map(str, found))}")
    return found[0]
