"""Sets of slices of a volume: those that an item names, or a random set that shows what readers want or does not."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from monai.utils import TransformBackends
from numpy.typing import NDArray

TAKEN, VERDICTS, COUNT = "taken", "verdicts", "slice_count"


class DASTakeSlicesd(MapTransform):
    """Keep the slices that an item names under ``taken``, a list of indices; an item that names none stays whole.

    ``slice_count`` becomes their number where the item has it, and ``taken`` is removed: lists of different length do
    not collate.

    Args:
        keys: maps of slices, ``(C, H, W, D)`` each; H and W may differ.

    Raises:
        ValueError: an index is not in [0, D), or they do not ascend.

    Example:
        >>> DASTakeSlicesd("image")({"image": torch.rand(1, 8, 8, 9), "taken": [2, 3, 7]})["image"].shape
        torch.Size([1, 8, 8, 3])
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - declared as MONAI declares it

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the named slices of every key."""
        d = dict(data)
        places = d.pop(TAKEN, None)
        return d if places is None else _taken(d, list(self.key_iterator(d)), places)


class DASRandTakeSlicesd(Randomizable, MapTransform):
    """Draw a set of slices of a case whose ``verdicts`` are known, and label it: does a slice show what is wanted?

    For data in which every case shows it, so that no case has the other label. Half of the sets have label 0:
    ``fewest`` slices or more, up to all, that show nothing. The others have label 1: with ``whole_prob`` the whole
    case, else a run of one or more neighbouring slices that show it, and others that do not, from as many as
    ``fewest`` needs up to all. Numbers and places are at even odds, and slices stay in their order. A set is no
    window of neighbours: there, what is wanted would lie at an edge, and teach place instead of sight. A case that
    shows nothing, or nothing else, gives sets of one label.

    It writes ``label``, and the number of slices as ``slice_count``.

    Args:
        keys: maps of slices, ``(C, H, W, D)`` each, with the verdicts of
            :class:`~monai_das.transforms.SliceVerdictsd` among them: above 0 on the slices that show it.
        fewest: slices of a set, if the case has so many.
        whole_prob: share of the sets with label 1 that are whole cases.

    Raises:
        ValueError: ``fewest`` is below 1, ``whole_prob`` is not in [0, 1], or ``verdicts`` are not among the keys.

    Example:
        >>> verdicts = torch.full((1, 1, 1, 30), -1.0)
        >>> verdicts[..., 9:14] = 1.0
        >>> draw = DASRandTakeSlicesd(["image", "verdicts"]).set_random_state(0)
        >>> item = draw({"image": torch.rand(1, 8, 8, 30), "verdicts": verdicts})
        >>> item["label"], item["image"].shape[-1] == item["verdicts"].shape[-1] == item["slice_count"]
        (0, True)
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - declared as MONAI declares it

    def __init__(self, keys: KeysCollection, fewest: int = 12, whole_prob: float = 0.25) -> None:
        super().__init__(keys)
        if fewest < 1 or not 0.0 <= whole_prob <= 1.0:
            raise ValueError(f"fewest must be at least 1 and whole_prob in [0, 1], got {fewest=} and {whole_prob=}")
        if VERDICTS not in self.keys:
            raise ValueError(f"keys must have {VERDICTS!r} among them, got {self.keys}; SliceVerdictsd makes them")
        self.fewest = fewest
        self.whole_prob = whole_prob
        self.places: list[int] = []

    def randomize(self, data: NDArray[np.bool_]) -> None:
        """Draw a set of a case whose slices ``data`` ``(D,)`` show what is wanted."""
        shown, others = np.flatnonzero(data), np.flatnonzero(~data)
        positive = len(others) == 0 or (len(shown) > 0 and self.R.random() < 0.5)
        run: list[int] = []
        if positive:
            if self.R.random() < self.whole_prob:
                self.places = list(range(len(data)))
                return
            run = self._run(shown)
        fewest = min(max(self.fewest - len(run), 0 if positive else 1), len(others))
        number = int(self.R.randint(fewest, len(others) + 1))
        self.places = sorted([*run, *self.R.permutation(others)[:number].tolist()])

    def _run(self, shown: NDArray[np.intp]) -> list[int]:
        """Draw neighbours of ``shown``; where it has gaps they are the nearest that there are."""
        number = int(self.R.randint(1, len(shown) + 1))
        start = int(self.R.randint(0, len(shown) - number + 1))
        run: list[int] = shown[start : start + number].tolist()
        return run

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the slices that were drawn, of every key."""
        d = dict(data)
        wanted = (torch.as_tensor(d[VERDICTS]).mean(dim=(0, 1, 2)) > 0.0).numpy()
        self.randomize(wanted)
        d["label"] = int(wanted[self.places].any())
        return _taken({**d, COUNT: 0}, list(self.key_iterator(d)), self.places)


def _taken(d: dict[Hashable, Any], keys: Sequence[Hashable], places: Sequence[int]) -> dict[Hashable, Any]:
    """Return ``d`` with the slices at ``places`` of every key."""
    indices = torch.as_tensor(places, dtype=torch.int64)
    for key in keys:
        depth = int(d[key].shape[-1])
        if not len(indices) or int(indices[0]) < 0 or int(indices[-1]) >= depth or bool((indices.diff() < 1).any()):
            raise ValueError(f"{TAKEN} must be ascending indices from 0 to {depth - 1}, got {list(places)}")
        d[key] = d[key][..., indices]
    return {**d, COUNT: len(indices)} if COUNT in d else d
