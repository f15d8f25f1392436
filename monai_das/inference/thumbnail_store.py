"""Thumbnails that are kept from one run to the next, so that another model or budget reads only what it selects."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import monai_das
from monai_das._atomic import atomic_path
from monai_das.data import CaseKey, SliceSource


class ThumbnailStore:
    """The folder of thumbnails of studies, as :meth:`~monai_das.data.SliceSource.thumbnails` gives them.

    A study is found by its id under ``key``, the size and times of its files, the side of the thumbnails and the
    version of this package, so a changed file or another version makes new ones. They are float32 and not rounded: a
    run with them gives the very numbers of a run without. They are pixels of patients; keep the folder as you keep
    those.

    Args:
        folder: made if missing.
        key: names the studies.
    """

    def __init__(self, folder: Path, key: CaseKey) -> None:
        self.folder, self.key = folder, key
        folder.mkdir(parents=True, exist_ok=True)

    def thumbnails(self, source: SliceSource, size: int, make: Callable[[SliceSource, int], Tensor]) -> Tensor:
        """Return ``make(source, size)``, ``(C, size, size, D)``, kept or made now and kept.

        What a server has drawn is not kept: it may draw the same slices in another way tomorrow.

        Raises:
            ValueError: pixels cannot be decoded.
            OSError: the folder cannot be written.
        """
        path = self.folder / f"{self._name(source, size)}.npz"
        try:
            with np.load(path, allow_pickle=False) as kept:
                values, exact = kept["values"], bool(kept["exact"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            made = make(source, size)
            if source.drawn:
                return made
            with atomic_path(path) as temporary:
                np.savez(temporary, values=made.numpy(), exact=np.bool_(source.exact_thumbnails))
            return made
        source.exact_thumbnails = exact
        return torch.from_numpy(values)

    def _name(self, source: SliceSource, size: int) -> str:
        files = [(each.stat().st_size, each.stat().st_mtime_ns) for each in source.files]
        facts = [self.key.case_id(source), files, size, monai_das.__version__]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
