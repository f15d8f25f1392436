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
from monai_das.data.dicom import CURVE_STEPS, header_window

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
    """``low`` is shown black and ``high`` white, in the units of the source; ``name`` says why.

    Between them, and around them, a ``curve`` says otherwise; see :class:`~monai_das.data.dicom.HeaderWindow`.
    """

    name: str
    low: float
    high: float
    curve: tuple[float, ...] = ()

    def __call__(self, values: Tensor) -> Tensor:
        """Return ``values`` as bytes to be shown."""
        if self.curve:
            step = (self.high - self.low) / CURVE_STEPS
            places = ((values.float() - self.low) / step).round() + CURVE_STEPS
            return torch.tensor(self.shades, dtype=torch.uint8)[places.clamp_(0, len(self.curve) - 1).long()]
        scale = 255.0 / (self.high - self.low)
        return (values.float() * scale).add_(0.5 - self.low * scale).clamp_(0, 255).to(torch.uint8)

    @property
    def shades(self) -> list[int]:
        """The curve as bytes."""
        return [int(255 * shade + 0.5) for shade in self.curve]

    def __str__(self) -> str:
        """Return name and values, as ``brain, 0 to 80``."""
        return f"{self.name}, {self.low:.4g} to {self.high:.4g}"


def windows(
    source: SliceSource, indices: Sequence[int], sample: NDArray[np.float32], made_for: tuple[str, str] = ("", "")
) -> list[Window]:
    """Return the window in which ``source`` is shown, and then others that a reader may want.

    Colour, ultrasound and videos are shown as they are. Else the header decides, by the median over the slices where
    these differ; then for CT the preset of BodyPartExamined; then the percentiles 1 and 99. A window that shows no
    value apart is passed over. Without a header the study is a CT if the model was made for CT and there are values
    below 0.

    Args:
        source: the study.
        indices: of the selected slices.
        sample: values of their pixels.
        made_for: modality and body part that the model was made for.
    """
    low, high = float(sample.min()), float(sample.max())
    full = Window("all values", low, high if high > low else low + 1.0)
    tags = source.pixel_header(0)
    modality, part = made_for if low < 0 else ("", "")
    if tags is not None:
        modality, part = (str(tags.get(keyword) or "") for keyword in ("Modality", "BodyPartExamined"))
    if source.channels == 3 or source.kind == "video" or modality in AS_DRAWN:
        return [Window("as it is", 0.0, _white(tags))]
    found = _from_headers(source, indices)
    if modality == "CT":
        presets = [Window(name, c - w / 2, c + w / 2) for name, (c, w) in CT_PRESETS.items()]
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
    found = []
    for index in indices:
        tags = source.pixel_header(index)
        window = None if tags is None else header_window(tags, source.refs[index].frame)
        if window is not None:
            found.append(window)
    if not found:
        return []
    low, high = (float(value) for value in np.median([(each.low, each.high) for each in found], axis=0))
    return [Window("header", low, high, found[0].curve)]


def _preset(part: str) -> str:
    return next((name for name, words in BODY_PARTS.items() if any(w in part.upper() for w in words)), "soft tissue")


def _white(tags: Dataset | None) -> float:
    """Return the largest value that can be: of 8 bits for colour and video, else of BitsStored."""
    bits = 8 if tags is None or int(tags.get("SamplesPerPixel") or 1) == 3 else int(tags.get("BitsStored") or 8)
    return float(2 ** (8 if tags is not None and "PALETTE" in str(tags.get("PhotometricInterpretation")) else bits) - 1)
