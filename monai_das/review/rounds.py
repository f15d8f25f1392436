"""The folder of one round of review: what is done stays done, and another round is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_das.reports import write_object
from monai_das.review.ordering import reading_order

SETTINGS = "round.json"


@dataclass(frozen=True)
class RoundFolder:
    """Where the parts of a round lie; each is there whole or not at all."""

    path: Path

    @property
    def datalist(self) -> Path:
        """What the readers said."""
        return self.path / "review.json"

    @property
    def training(self) -> Path:
        """Checkpoints and curves."""
        return self.path / "training"

    @property
    def model(self) -> Path:
        """The fine-tuned bundle."""
        return self.path / "model"

    @property
    def evaluation(self) -> Path:
        """What it changed on the held-out patients."""
        return self.path / "evaluation.json"

    @property
    def predictions(self) -> Path:
        """Results of all cases that nobody has read."""
        return self.path / "predictions"

    @property
    def batch(self) -> Path:
        """Results of those that are pushed."""
        return self.path / "batch"

    def chosen(self, limit: int) -> list[str]:
        """Return the ids of the ``limit`` cases among the predictions that the model is least sure of, in this order.

        They are chosen once: a round that is run again pushes the same.

        Raises:
            ValueError: a result cannot be read.
        """
        file = self.path / "batch.json"
        if not file.exists():
            results = [_result(path) for path in sorted(self.predictions.glob("*/result.json"))]
            table = np.array([list(each["probabilities"].values()) for each in results]).reshape(len(results), -1)
            order = reading_order(table)[:limit] if results else []
            write_object({"cases": [results[place]["case_id"] for place in order]}, file)
        cases: list[str] = json.loads(file.read_text(encoding="utf-8"))["cases"]
        return cases


def open_round(folder: Path, settings: Mapping[str, Any]) -> RoundFolder:
    """Return the round in ``folder``: a new one, or the one that was begun there with the same settings.

    Raises:
        ValueError: the folder holds something else, or a round with other settings; each is named.
    """
    file = folder / SETTINGS
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        other = sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))
        if other:
            raise ValueError(
                f"{folder} holds a round with other settings ({', '.join(other)}); give the same ones to go on with "
                "it, or a new folder for another round"
            )
    elif folder.is_dir() and any(not each.name.startswith(".") for each in folder.iterdir()):
        raise ValueError(f"{folder} holds something that is no round; give a new folder")
    else:
        write_object(dict(settings), file)
    return RoundFolder(folder)


def _result(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"case_id": found["case_id"], "probabilities": found["probabilities"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no result ({error}); delete its folder and run again") from error
