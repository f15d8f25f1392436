"""Score the thumbnails of a source, then read and preprocess only the selected slices."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_das.data import Finding, SliceRef, SliceSource, StudyBaseError, StudyError, finding_of, plane_refs
from monai_das.data.source import LUMINANCE, as_image, read_thumbnails
from monai_das.inference.steps import Step, allows_parts, preprocessed, resizes
from monai_das.inference.thumbnail_store import ThumbnailStore
from monai_das.networks import DASNetwork
from monai_das.samplers import Selection
from monai_das.transforms.scale_intensity import INTENSITY_RANGE
from monai_das.transforms.thumbnails import make_thumbnails

# scores of drawings are off by less, seen on head CT and echo from Orthanc
DRAWN_ERROR = 0.1

Inspect = Callable[[SliceSource, Tensor, Tensor, float | None], None]


@dataclass(frozen=True, eq=False)
class LoadedSelection:
    """The slices that a network selected from a source, read and preprocessed.

    "Place" counts in the network's order of slices, "index" in the source's order.

    Attributes:
        selection: a batch of one, on the network's device; its indices are places.
        slices: ``(1, C, H, W, k)`` for the backbone, one for each row of the selection, on the same device.
        refs: the identity of the slice at each place.
        overview: ``(C, h, w, D)``, all slices preprocessed: thumbnails, or the whole volume if it had to be read.
        placed: the last preprocessed slices with metadata; their affine gives the directions of the plane.
    """

    selection: Selection
    slices: Tensor
    refs: tuple[SliceRef, ...]
    overview: Tensor
    placed: MetaTensor


class SliceSelector:
    """Run ``network.score`` once on the thumbnails of a source, and read only what it selects.

    The whole source is read where parts would give another result: the slice axis is not the source's own (coronal
    slices of an axial series), or a transform may need the whole volume
    (:func:`~monai_das.inference.steps.allows_parts`).

    Args:
        network: in ``eval()``.
        steps: dictionary transforms after loading; thumbnails skip the ones that resize slices.
        key: key of the image for these transforms.
        channels: number of channels of the network; for 1, a colour source becomes luminance,
            ``0.299 R + 0.587 G + 0.114 B`` (Rec. 601). By default channels stay as they are.
        inspect: called with the source, its thumbnails before and after preprocessing, and the distance between slices
            in mm (None where it is not known), before they are scored; what it raises ends the work.
        store: keeps thumbnails; by default the source makes them.
        lap: called after opening (or reading the whole), after scoring, and when the selected slices are ready.
    """

    def __init__(
        self,
        network: DASNetwork,
        steps: Sequence[Step],
        key: Hashable = "image",
        channels: int | None = None,
        inspect: Inspect | None = None,
        store: ThumbnailStore | None = None,
        lap: Callable[[], None] = lambda: None,
    ) -> None:
        self.network = network
        self.steps = tuple(steps)
        self.small_steps = tuple(step for step in steps if not resizes(step))
        self.key = key
        self.channels = channels
        self.inspect = inspect
        self.store = store
        self.lap = lap
        self.device = torch.as_tensor(network.thumbnail_side).device

    def __call__(self, source: SliceSource) -> LoadedSelection:
        """Return the selected slices of ``source``.

        Raises:
            ValueError: pixels cannot be decoded; channels do not fit; preprocessing changes the number of slices or
                gives values that are not finite.
        """
        try:
            return self._few(source) if allows_parts(self.steps, source) else self._whole(source)
        except StudyBaseError:
            raise
        except ValueError as error:
            known = finding_of(error) or Finding("the bundle's preprocessing failed (ValueError)", texts=[str(error)])
            raise StudyError(source.name, known.plain, known.files, known.texts) from error

    def _few(self, source: SliceSource) -> LoadedSelection:
        self.lap()
        size = self.network.thumbnail_size
        image = self._image(source, self._thumbnails(source, size))
        overview, meta = preprocessed(image, self.small_steps, self.key)
        refs = network_refs(source, meta, overview.size(3))
        if self.inspect is not None:
            self.inspect(source, image.as_tensor(), overview, slice_spacing(source, meta))
        selection = self._score(overview)
        if source.drawn and unsure(selection):
            image = self._image(source, read_thumbnails(source, size))
            overview, meta = preprocessed(image, self.small_steps, self.key)
            selection, source.drawn, source.exact_thumbnails = self._score(overview), False, True
        self.lap()
        places, rows = torch.unique(selection.indices[0].cpu(), return_inverse=True)
        indices = sorted(refs[place].index for place in places.tolist())
        few = self._with_channels(as_image(source.read(indices).numpy(), source.full_affine(), source.name))
        if INTENSITY_RANGE in meta.meta:
            few.meta[INTENSITY_RANGE] = meta.meta[INTENSITY_RANGE]
        slices, placed = preprocessed(few, self.steps, self.key)
        check_depth(slices.size(3), few.size(3))
        slices = slices[..., rows][None].to(self.device)
        self.lap()
        return LoadedSelection(selection, slices, refs, overview, placed)

    def _image(self, source: SliceSource, small: Tensor) -> MetaTensor:
        """Return thumbnails ``(C, size, size, D)`` of ``source`` as an image with the network's channels."""
        return self._with_channels(as_image(small.numpy(), source.thumbnail_affine(small.size(1)), source.name))

    def _thumbnails(self, source: SliceSource, size: int) -> Tensor:
        return self._made(source, size) if self.store is None else self.store.thumbnails(source, size, self._made)

    def _made(self, source: SliceSource, size: int) -> Tensor:
        """Return all slices small; percentiles of all of them need exact ones, which a server's drawings are not."""
        shares = any(getattr(step, "intensity", {}).get("scale") == "percentiles" for step in self.steps)
        return read_thumbnails(source, size) if shares and source.kind == "dicomweb" else source.thumbnails(size)

    def _whole(self, source: SliceSource) -> LoadedSelection:
        image = self._with_channels(source.read_all())
        size = self.network.thumbnail_size
        raw = make_thumbnails(image.as_tensor()[None], size)[0] if self.inspect else image
        volume, placed = preprocessed(image, self.steps, self.key)
        refs = network_refs(source, placed, volume.size(3))
        if self.inspect is not None:
            self.inspect(source, raw, make_thumbnails(volume[None].cpu(), size)[0], slice_spacing(source, placed))
        self.lap()
        selection = self._score(volume)
        self.lap()
        slices = volume[..., selection.indices[0].cpu()][None].to(self.device)
        self.lap()
        return LoadedSelection(selection, slices, refs, volume, placed)

    def _score(self, image: Tensor) -> Selection:
        network = self.network
        with torch.no_grad():
            return network.score(network.thumbnails(image[None].to(self.device)))

    def _with_channels(self, image: MetaTensor) -> MetaTensor:
        """Return ``image`` ``(C, W, H, D)`` with the network's channels; colour becomes luminance for a grey one."""
        if self.channels is None or image.size(0) == self.channels:
            return image
        if self.channels == 1 and image.size(0) == 3:
            weights = torch.tensor(LUMINANCE, dtype=image.dtype)[:, None, None, None]
            return MetaTensor((image * weights).sum(dim=0, keepdim=True))
        words = f"{image.size(0)} channels, the bundle's network expects {self.channels}; convert it first"
        raise ValueError(Finding(words))


def unsure(selection: Selection) -> bool:
    """Tell whether drawings may decide more than one in twenty of the chosen slices of a case, ``selection``.

    So it is where a slice that was not chosen has a score that drawings cannot tell from that of the chosen one nearest
    to it.
    """
    scores, chosen = selection.scores[0], selection.weights[0].sum(dim=0) > 0
    places = torch.arange(len(scores), device=scores.device)
    taken = places[chosen]
    nearest = taken[(places[:, None] - taken).abs().argmin(dim=1)]
    close = ~chosen & ((scores - scores[nearest]).abs() < DRAWN_ERROR)
    return len(set(nearest[close].tolist())) > len(taken) / 20


def network_refs(source: SliceSource, placed: MetaTensor, depth: int) -> tuple[SliceRef, ...]:
    """Return the identities of the ``depth`` slices in the network's order; raise ``ValueError`` if one is missing."""
    refs = plane_refs(source.refs, placed) if "slice_axis" in placed.meta else list(source.refs)
    check_depth(depth, len(refs))
    return tuple(refs)


def slice_spacing(source: SliceSource, placed: MetaTensor) -> float | None:
    """Return the distance between neighbouring slices of the network in mm; None where there is no anatomy."""
    return None if source.affine is None else float(torch.as_tensor(placed.affine)[:3, 2].double().norm())


def check_depth(depth: int, expected: int) -> None:
    """Raise ``ValueError`` unless preprocessing kept all slices."""
    if depth != expected:
        raise ValueError(Finding(f"{expected} slices became {depth}; preprocessing must keep all of them"))
