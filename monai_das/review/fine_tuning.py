"""Fine-tune a bundle on what readers said: its ``train.json`` and ``review.json``, run by MONAI."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from monai.bundle import ConfigWorkflow

from monai_das.data import Finding
from monai_das.inference import bundle_metadata
from monai_das.reports.privacy import error_message

PARTS = ("configs", "docs", "models", "LICENSE")
CONFIGS = ("train.json", "review.json")


class HoldOut(NamedTuple):
    """Which patients are held out: one in ``every``, by the hash of their pseudonym with ``seed``."""

    every: int
    seed: int


def hold_out_of(bundle: Path, every: int | None = None) -> HoldOut:
    """Return which patients the folder ``bundle`` holds out, by its ``review.json`` or by the rounds that made it.

    Args:
        bundle: where the fine-tuning starts.
        every: another share; not for a bundle that an earlier round made.

    Raises:
        FileNotFoundError: it cannot be fine-tuned, it has no ``train.json`` or ``review.json``.
        ValueError: ``every`` is below 2, or not that of the earlier rounds.
    """
    parser = _workflow(bundle).parser
    before = bundle_metadata(bundle)[0].get("held_out")
    if before is not None and every not in (None, before["every"]):
        raise ValueError(
            f"{bundle} was fine-tuned with one in {before['every']} patients held out; with one in {every} some who "
            "trained would be tested, or the other way round: leave it out"
        )
    found = before or {name: parser.get_parsed_content(f"holdout_{name}") for name in ("every", "seed")}
    share = int(every or found["every"])
    if share < 2:
        raise ValueError(f"one in at least 2 patients is held out, got {share}")
    return HoldOut(share, int(found["seed"]))


def weights_digest(bundle: Path) -> str:
    """Return the SHA-256 of the weights of the folder ``bundle``.

    Raises:
        FileNotFoundError: it has none.
    """
    return hashlib.sha256((bundle / "models" / "model.pt").read_bytes()).hexdigest()


def fine_tune(bundle: Path, datalist: Path, training: Path, model: Path, **settings: Any) -> None:
    """Fine-tune the folder ``bundle`` on ``datalist``; write a complete bundle of the next version to ``model``.

    A training that was interrupted goes on from its last epoch. ``model`` is there whole or not at all.

    Args:
        bundle: where the training starts; nothing in it is changed.
        datalist: what ``monai-das review pull`` wrote, with paths.
        training: folder for its checkpoints and curves.
        model: folder to make.
        settings: of the config, such as ``epochs``.

    Raises:
        FileExistsError: ``model`` is there already.
        FileNotFoundError: ``bundle`` cannot be fine-tuned.
        ValueError: the datalist has no case to train or none that is held out, or the training failed.
    """
    if model.exists():
        raise FileExistsError(f"{model} is there already; give a new folder")
    own: dict[str, Any] = {"datalist": str(datalist.resolve()), "output_dir": str(training.resolve())}
    if any(training.glob("resume_*.pt")):
        own["resume"] = True
    workflow = _workflow(bundle, **own, **settings)
    try:
        workflow.initialize()
        workflow.run()
        workflow.finalize()
    except RuntimeError as error:  # MONAI wraps whatever went wrong
        raise ValueError(Finding(f"fine-tuning failed: {error_message(_cause(error), datalist.name)}")) from error
    with tempfile.TemporaryDirectory(dir=model.parent, prefix=".monai_das_") as folder:
        made = Path(folder) / "model"
        made.mkdir()
        for name in PARTS:
            part = training / name
            if part.is_dir():
                shutil.copytree(part, made / name)
            elif part.is_file():
                shutil.copyfile(part, made / name)
        made.rename(model)


def _cause(error: BaseException) -> BaseException:
    return error if error.__cause__ is None else _cause(error.__cause__)


def _workflow(bundle: Path, **settings: Any) -> ConfigWorkflow:
    configs = [bundle / "configs" / name for name in CONFIGS]
    for path in configs:
        if not path.is_file():
            raise FileNotFoundError(
                f"{bundle} cannot be fine-tuned, it has no configs/{path.name}; give the folder of a bundle with both, "
                "such as one by monai-das new or by a training"
            )
    return ConfigWorkflow(
        [str(path) for path in configs],
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type="train",
        bundle_root=str(bundle.resolve()),
        **settings,
    )
