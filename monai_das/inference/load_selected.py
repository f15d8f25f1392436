"""The laziness of :class:`Predictor` as a MONAI transform, for ``monai.bundle run``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.networks.utils import eval_mode
from monai.transforms import MapTransform

from monai_das.data import SliceSource, open_source
from monai_das.inference.lazy_reading import SliceSelector
from monai_das.inference.steps import flat_steps
from monai_das.networks import DASNetwork


class LoadImageSelectedd(MapTransform):
    """Load and preprocess only the slices that ``network`` selects from the thumbnails of all.

    :class:`~monai_das.inference.DASLazyInferer` classifies the result. The answer is the same as the network's answer
    for the whole study. ``key`` becomes the selected slices ``(C, H, W, k)``, float32, in the network's order. The
    transform adds

    - ``{key}_slices``: ``(n,)`` int64, the indices of the kept slices in the source's own order;
    - ``{key}_selection``: ``indices`` ``(k,)`` and ``scores`` ``(D,)`` in the network's order of slices, ``kept``
      ``(k,)``; for the inferer.

    The study is read whole where ``transforms`` need it: see ``monai_das.inference.lazy_reading``. The network runs in
    the data set: keep ``num_workers`` at 0 where it is on a GPU, and ``batch_size`` at 1 where studies differ in their
    number of slices.

    Args:
        keys: each holds a path, or an open :class:`~monai_das.data.SliceSource`.
        network: the network that classifies, with its weights; it scores in ``eval()``.
        transforms: a ``Compose`` or a sequence of dictionary transforms, for instance the whole ``preprocessing`` of a
            bundle: transforms with ``LoadImage`` in their name are skipped. They see only ``key``.
        choose: which stack of slices of a DICOM folder, see :func:`~monai_das.data.open_source`.

    Raises:
        ValueError: a study is not one stack of slices; its values are not finite; ``transforms`` change the number of
            slices.
    """

    def __init__(
        self,
        keys: KeysCollection,
        network: DASNetwork,
        transforms: Any,
        choose: Mapping[str, object] | None = None,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.network = network
        self.steps = flat_steps(transforms)
        self.choose = choose

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the selected slices of every key."""
        d = dict(data)
        for key in self.key_iterator(d):
            source = d[key] if isinstance(d[key], SliceSource) else open_source(d[key], self.choose)
            with eval_mode(self.network):
                loaded = SliceSelector(self.network, self.steps, key)(source)
            indices, kept = loaded.selection.indices[0].cpu(), loaded.selection.kept[0].cpu()
            d[key] = loaded.slices[0].cpu()
            d[f"{key}_slices"] = torch.tensor([loaded.refs[place].index for place in indices[kept].tolist()])
            d[f"{key}_selection"] = {"indices": indices, "kept": kept, "scores": loaded.selection.scores[0].cpu()}
        return d
