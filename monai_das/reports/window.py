"""Which grey values are shown black and white: the header's window, a preset of CT, percentiles, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data import SliceSource
from monai_das.data.dicom import header_window

if TYPE_CHECKING:
    from pydicom import Dataset

# centre and width in HU
CT_PRESETS = {"brain": (40, 80), "lung": (-600, 1500), "soft tissue": (50, 400), "bone": (400, 1800)}
# by words in BodyPartExamined (0018,0015); soft tissue for all others
BODY_PARTS = {
    "brain": ("BRAIN", "HEAD", "SKULL"),
    "lung": ("CHEST", "LUNG", "THORAX", "BRONCHUS"),
    "bone": ("SPINE", "EXTREMITY", "BONE", "KNEE", "FOOT", "ANKLE", "HAND", "WRIST", "ELBOW", "SHOULDER", "HIP", "JAW"),
}
# as a machine drew them, for the eye: visible light, and the screens of ultrasound machines
AS_DRAWN = ("US", "IVUS", "ES", "GM", "SM", "XC", "OP")
PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Window:
    """``low`` is shown black and ``high`` white, in the units of the source; ``name`` says why."""

    name: str
    low: float
    high: float

    def __call__(self, values: Tensor) -> Tensor:
        """Return ``values`` as bytes to be shown."""
        scale = 255.0 / (self.high - self.low)
        return (values.float() * scale).add_(0.5 - self.low * scale).clamp_(0, 255).to(torch.uint8)

    def __str__(self) -> str:
        """Return name and values, as ``brain, 0 to 80``."""
        return f"{self.name}, {self.low:.4g} to {self.high:.4g}"


def windows(source: SliceSource, indices: Sequence[int], sample: NDArray[np.float32]) -> list[Window]:
    """Return the window in which ``source`` is shown, and then others that a reader may want.

    Colour, ultrasound and videos are shown as they are. Else the header decides, by the median over the slices where
    these differ; then for CT the preset of BodyPartExamined; then the percentiles 1 and 99. A window that shows no
    value apart is passed over.

    Args:
        source: the study.
        indices: of the selected slices.
        sample: values of their pixels.
    """
    low, high = float(sample.min()), float(sample.max())
    full = Window("all values", low, high if high > low else low + 1.0)
    tags = source.pixel_header(0)
    modality = "" if tags is None else str(tags.get("Modality") or "")
    if source.channels == 3 or source.kind == "video" or modality in AS_DRAWN:
        return [Window("as it is", 0.0, _white(tags))]
    found = _from_headers(source, indices)
    if modality == "CT":
        presets = [Window(name, c - w / 2, c + w / 2) for name, (c, w) in CT_PRESETS.items()]
        part = "" if tags is None else str(tags.get("BodyPartExamined") or "")
        found += sorted(presets, key=lambda one: one.name != _preset(part))
    between = np.percentile(sample, PERCENTILES)
    if between[1] > between[0]:
        found.append(Window("percentiles 1 to 99", float(between[0]), float(between[1])))
    # what shows nothing apart is no window to begin with, yet a reader may ask for a preset
    found.append(full)
    first = next(one for one in found if one is full or (one.low < high and one.high > low))
    by_ends: dict[tuple[float, float], Window] = {}
    for one in (first, *found):
        by_ends.setdefault((one.low, one.high), one)
    return list(by_ends.values())


def _from_headers(source: SliceSource, indices: Sequence[int]) -> list[Window]:
    ends = []
    for index in indices:
        tags = source.pixel_header(index)
        window = None if tags is None else header_window(tags, source.refs[index].frame)
        if window is not None:
            ends.append(window)
    if not ends:
        return []
    low, high = (float(value) for value in np.median(np.array(ends), axis=0))
    return [Window("header", low, high)]


def _preset(part: str) -> str:
    return next((name for name, words in BODY_PARTS.items() if any(w in part.upper() for w in words)), "soft tissue")


def _white(tags: Dataset | None) -> float:
    """Return the largest value that can be: of 8 bits for colour and video, else of BitsStored."""
    bits = 8 if tags is None or int(tags.get("SamplesPerPixel") or 1) == 3 else int(tags.get("BitsStored") or 8)
    return float(2 ** (8 if tags is not None and "PALETTE" in str(tags.get("PhotometricInterpretation")) else bits) - 1)
