"""Keep some slices of a volume, by a rule or a trained network; the inverse puts them back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import InvertibleTransform, MapTransform, Randomizable
from monai.utils import TransformBackends, convert_to_tensor
from monai.utils.enums import TraceKeys
from torch import Tensor, nn

from monai_das.transforms.thumbnails import warn_if_slices_come_first

MODES = ("uniform", "random", "centre")


class SelectSlices(Randomizable, InvertibleTransform):
    """Keep k of the D slices of an item ``(C, H, W, D)``; returns ``(C, H, W, k)`` and their indices ``(k,)``.

    The indices are int64, ascending and distinct. If ``D < k``, all D slices are kept. An affine cannot describe
    unevenly spaced slices, so the item keeps the affine of the full volume; the indices place each kept slice in it.
    The trace holds the indices: ``inverse`` puts the slices back and fills the others with ``background``.

    Args:
        num_slices: the budget k, at least 1; or
        fraction: the budget as a share p of the slices in (0, 1]: ``k = max(1, p x D rounded half up)``; or
        sampler: chooses with a budget of its own: a callable from the volume ``(C, H, W, D)`` to indices; a network
            with ``thumbnails`` and ``score``; or a sampler, which gets the volume as its thumbnails
            ``(1, C, H, W, D)``. A network or sampler must be in ``eval()``; it runs on the device of its parameters.
        mode: with a budget, ``"uniform"`` (the centres of k equal parts), ``"centre"`` (k neighbours in the
            middle) or ``"random"`` (drawn without repeats from ``self.R``; see :meth:`set_random_state`).
        background: value of the slices that were not kept, for ``inverse``.

    Raises:
        ValueError: not exactly one of ``num_slices``, ``fraction`` and ``sampler`` is given or it is out of range;
            the mode is unknown; the item is not 4-D or has no slice; the sampler is training, or its indices are not in
            [0, D).

    Warns:
        UserWarning: the shape of the item looks as if slices came first.

    Note:
        MONAI treats it as random in every mode: ``CacheDataset`` caches only the transforms before it.

    Example:
        >>> kept, indices = SelectSlices(num_slices=4)(torch.rand(1, 64, 64, 32))
        >>> kept.shape, indices.tolist()
        (torch.Size([1, 64, 64, 4]), [4, 12, 20, 28])
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]  # noqa: RUF012 - declared as MONAI declares it

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        mode: str = "uniform",
        *,
        sampler: Callable[..., Any] | None = None,
        background: float = 0.0,
    ) -> None:
        if sum(given is not None for given in (num_slices, fraction, sampler)) != 1:
            raise ValueError(
                f"give num_slices, fraction or sampler, one of them, got {num_slices=}, {fraction=} and "
                f"sampler={type(sampler).__name__}"
            )
        if num_slices is not None and num_slices < 1:
            raise ValueError(f"num_slices must be at least 1, got {num_slices}")
        if fraction is not None and not 0.0 < fraction <= 1.0:
            raise ValueError(f"fraction must be in (0, 1], got {fraction}")
        if mode not in MODES:
            raise ValueError(f"mode must be 'uniform', 'random' or 'centre', got {mode!r}")
        self.num_slices = num_slices
        self.share = Fraction(fraction or 0.0).limit_denominator(10_000)
        self.mode = mode
        self.sampler = sampler
        self.background = background
        self._drawn: list[int] = []

    def __call__(self, img: NdarrayOrTensor) -> tuple[Tensor, Tensor]:
        """Return the kept slices ``(C, H, W, k)`` of ``img`` ``(C, H, W, D)``, and their indices ``(k,)``."""
        indices = self.choose(img)
        return self.take(img, indices), indices

    def randomize(self, data: tuple[int, int]) -> None:
        """Draw k of D slices without repeats; ``data`` is ``(k, D)``."""
        count, depth = data
        self._drawn = sorted(self.R.permutation(depth)[:count].tolist())

    def choose(self, img: NdarrayOrTensor) -> Tensor:
        """Return the indices ``(k,)`` of the slices to keep of ``img`` ``(C, H, W, D)``."""
        if len(img.shape) != 4:
            raise ValueError(f"an item must be (C, H, W, D), got {tuple(img.shape)}; add a channel axis: image[None]")
        warn_if_slices_come_first(img.shape)
        depth = int(img.shape[-1])
        if depth < 1:
            raise ValueError(f"an item must have at least one slice, got {tuple(img.shape)}; slices are the last axis")
        if self.sampler is not None:
            return _checked(_asked(self.sampler, convert_to_tensor(img, track_meta=False)), depth)
        count = min(depth, self.num_slices or max(1, int(self.share * depth + Fraction(1, 2))))
        if self.mode == "random":
            self.randomize((count, depth))
            return torch.tensor(self._drawn)
        if self.mode == "centre":
            return torch.arange(count) + (depth - count) // 2
        return torch.div((2 * torch.arange(count) + 1) * depth, 2 * count, rounding_mode="floor")

    def take(self, img: NdarrayOrTensor, indices: Tensor) -> Tensor:
        """Return the slices ``indices`` ``(k,)`` of ``img``, with the trace that ``inverse`` needs."""
        image = convert_to_tensor(img, track_meta=get_track_meta())
        out: Tensor = torch.index_select(image, -1, indices.to(image.device))
        if isinstance(out, MetaTensor):
            extra = {"slices": np.asarray(indices)}
            self.push_transform(out, orig_size=tuple(image.shape[1:]), extra_info=extra)  # type: ignore[no-untyped-call]
        return out

    def inverse(self, data: Tensor) -> Tensor:
        """Return the volume ``(C, H, W, D)`` with the slices of ``data`` ``(C, H, W, k)`` in their places."""
        info = self.pop_transform(data)
        slices = torch.as_tensor(info[TraceKeys.EXTRA_INFO]["slices"])
        if data.shape[-1] != len(slices):
            raise ValueError(f"inverse needs the {len(slices)} kept slices on the last axis, got {tuple(data.shape)}")
        full = data.new_full((*data.shape[:-1], int(info[TraceKeys.ORIG_SIZE][-1])), self.background)
        out: Tensor = full.index_copy(-1, slices.to(data.device), data)
        return out


class SelectSlicesd(Randomizable, MapTransform, InvertibleTransform):
    """Dictionary form of :class:`SelectSlices`; also writes ``{key}_slices``, the kept indices ``(k,)``.

    The first key decides, and every key keeps the same slices, so that an image and its mask stay together. All keys
    must have the same D. ``inverse`` removes ``{key}_slices``. If k differs from case to case (a ``fraction``, a
    ``sampler``, D < k), delete ``{key}_slices`` before batching with ``pad_list_data_collate``; the trace keeps them.

    Raises:
        ValueError: see :class:`SelectSlices`; or the keys differ in D.
    """

    backend = SelectSlices.backend

    def __init__(
        self,
        keys: KeysCollection,
        num_slices: int | None = None,
        fraction: float | None = None,
        mode: str = "uniform",
        *,
        allow_missing_keys: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.select = SelectSlices(num_slices, fraction, mode, **kwargs)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> SelectSlicesd:
        """Seed the draws of ``mode="random"``."""
        super().set_random_state(seed, state)
        self.select.set_random_state(seed, state)
        return self

    def randomize(self, data: tuple[int, int]) -> None:
        """Draw k of D slices without repeats; ``data`` is ``(k, D)``."""
        self.select.randomize(data)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the same slices of every key."""
        d = dict(data)
        first = self.first_key(d)
        if first == ():
            return d
        depth = d[first].shape[-1]
        indices = self.select.choose(d[first])
        for key in self.key_iterator(d):
            if d[key].shape[-1] != depth:
                raise ValueError(f"{first!r} has {depth} slices, {key!r} has {d[key].shape[-1]}; select them apart")
            d[key], d[f"{key}_slices"] = self.select.take(d[key], indices), indices
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the slices of every key in their places."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.select.inverse(d[key])
            d.pop(f"{key}_slices", None)
        return d


def _asked(sampler: Callable[..., Any], volume: Tensor) -> Any:
    """Return the indices that ``sampler`` chooses for ``volume`` ``(C, H, W, D)``."""
    if not isinstance(sampler, nn.Module):
        return sampler(volume)
    if sampler.training:
        raise ValueError(f"{type(sampler).__name__} is in train(), where it chooses with noise; call its eval() first")
    parameter = next(sampler.parameters(), volume)
    batch = volume[None].to(device=parameter.device, dtype=torch.float32)
    network: Any = sampler
    with torch.inference_mode():
        selection = network.score(network.thumbnails(batch)) if hasattr(network, "score") else network(batch)
    return selection.indices[0][selection.kept[0]]


def _checked(chosen: Sequence[int] | Tensor, depth: int) -> Tensor:
    """Return ``chosen`` as distinct, ascending int64 indices, or raise ``ValueError``."""
    indices: Tensor = torch.unique(torch.as_tensor(chosen, dtype=torch.int64, device="cpu").flatten())
    if len(indices) == 0 or int(indices[0]) < 0 or int(indices[-1]) >= depth:
        raise ValueError(f"the sampler must choose at least one slice in [0, {depth}), got {indices.tolist()}")
    return indices
