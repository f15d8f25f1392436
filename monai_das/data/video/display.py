"""How the frames of a video are to be shown: turned and mirrored by its display matrix, with pixels of some shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monai_das.data.messages import Finding

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.stream import VideoStream

# a part of the matrix's largest number: smaller ones count as 0
SMALL = 0.01


@dataclass(frozen=True)
class Display:
    """How stored pixels become upright ones.

    Attributes:
        transposed: whether columns become rows.
        mirrored: whether rows, then columns of the result run backwards.
        warnings: what cannot be respected.
    """

    transposed: bool = False
    mirrored: tuple[bool, bool] = (False, False)
    warnings: tuple[Finding, ...] = ()

    def shape(self, columns: int, rows: int) -> tuple[int, int]:
        """Return columns and rows as shown."""
        return (rows, columns) if self.transposed else (columns, rows)

    def shown(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return ``pixels`` ``(rows, columns[, 3])`` as they are to be shown."""
        turned = pixels.swapaxes(0, 1) if self.transposed else pixels
        return turned[tuple(slice(None, None, -1 if backwards else 1) for backwards in self.mirrored)]


def display_of(frame: VideoFrame, stream: VideoStream) -> Display:
    """Return how ``frame`` and those after it are to be shown.

    A display matrix that turns by multiples of 90 degrees and mirrors is respected; any other one is warned of.
    """
    stretched = _stretched(stream)
    found: Any = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return Display(warnings=stretched)
    # (x, y) becomes (a x + c y, b x + d y)
    a, b, _, c, d, _ = np.frombuffer(memoryview(found), np.int32)[:6].astype(np.float64)
    least = SMALL * max(abs(a), abs(b), abs(c), abs(d))
    if max(abs(b), abs(c)) <= least:
        return Display(False, (bool(d < 0), bool(a < 0)), stretched)
    if max(abs(a), abs(d)) <= least:
        return Display(True, (bool(b < 0), bool(c < 0)), stretched)
    angle = float(np.degrees(np.arctan2(-b, a)))
    words = f"the display matrix turns by {angle:.0f} degrees; frames are taken as they are stored, not turned"
    return Display(warnings=(*stretched, Finding(words)))


def _stretched(stream: VideoStream) -> tuple[Finding, ...]:
    """Return what to say of pixels that are not square; they are taken as they are."""
    ratio: Any = stream.sample_aspect_ratio
    if not ratio or ratio == 1:
        return ()
    words = f"pixels are not square: {ratio.numerator}:{ratio.denominator} wide (sample aspect ratio), taken as square"
    return (Finding(words),)
