"""What is known of a case before anything is trained: depth, spacing, kind of values, patient, identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from monai_das.data import CaseKey, SliceSource, open_source
from monai_das.data.source import LUMINANCE
from monai_das.datasets.fingerprint import files_digest

Values = NDArray[np.float32]
PLANES = ("sagittal", "coronal", "axial")  # by the axis of the world that the slices follow
LOOKS = 5  # slices of a case whose values are looked at


@dataclass(frozen=True)
class CaseFacts:
    """What :func:`look_at` found of a case.

    Attributes:
        path: file or folder.
        case_id, group: pseudonyms of the case and of its patient.
        sha256: of the content of its files.
        kind: of the source, see :class:`~monai_das.data.SliceSource`.
        plane: closest to the case's own slices; empty for a clip.
        sizes, spacing: number of slices and their distance in mm by plane; for a clip by the empty text, distance 0.
        side: the longer side of a slice of its own plane, in pixels.
        modality, body_part: of the DICOM header, else empty.
        named_patient: whether the file names a patient.
        values: kind of values: ``"mask"``, ``"hu"``, ``"grey8"`` or ``"magnitude"``.
        low, high: 1st and 99th percentile of the values that were looked at.
    """

    path: Path
    case_id: str
    group: str
    sha256: str
    kind: str
    plane: str
    sizes: dict[str, int]
    spacing: dict[str, float]
    side: int
    modality: str
    body_part: str
    named_patient: bool
    values: str
    low: float
    high: float


def look_at(path: Path, key: CaseKey) -> CaseFacts:
    """Open a case and look at its header and at a few of its slices.

    Raises:
        FileNotFoundError, ValueError, StudyError: as :func:`~monai_das.data.open_source`.
    """
    source = open_source(path)
    header = source.header(0)
    modality, body_part = ("" if header is None else str(header.get(name) or "").upper() for name in (
        "Modality", "BodyPartExamined"))  # fmt: skip
    plane, sizes, spacing = _planes(source)
    values = _values(source)
    low, high = np.percentile(values, [1.0, 99.0])
    case_id, group = key.names(source)
    return CaseFacts(
        path=path,
        case_id=case_id,
        group=group,
        sha256=files_digest(source.files),
        kind=source.kind,
        plane=plane,
        sizes=sizes,
        spacing=spacing,
        side=max(source.plane_shape),
        modality=modality,
        body_part=body_part,
        named_patient=group != case_id,
        values=_kind(values, modality, source.affine is None),
        low=float(low),
        high=float(high),
    )


def common(words: Sequence[str]) -> str:
    """Return the most frequent of ``words``, the first in order of the alphabet where several are."""
    return min(Counter(words).items(), key=lambda pair: (-pair[1], pair[0]))[0]


def _planes(source: SliceSource) -> tuple[str, dict[str, int], dict[str, float]]:
    """Return the plane of a source's own slices, and the number of slices and their distance in each plane."""
    if source.affine is None:
        return "", {"": len(source)}, {"": 0.0}
    worlds = io_orientation(source.affine)[:, 0]  # type: ignore[no-untyped-call]
    sides = (*source.plane_shape, len(source))
    steps = np.linalg.norm(source.affine[:3, :3], axis=0)
    names = [PLANES[int(world)] if np.isfinite(world) else "axial" for world in worlds]
    sizes = {name: int(side) for name, side in zip(names, sides, strict=True)}
    return names[2], sizes, {name: round(float(step), 4) for name, step in zip(names, steps, strict=True)}


def _values(source: SliceSource) -> Values:
    """Return the values of a few slices, spread evenly, in luminance."""
    places = sorted({round(each) for each in np.linspace(0, len(source) - 1, min(LOOKS, len(source)))})
    image = source.read(places).numpy()
    if len(image) == 3:
        image = np.einsum("cwhd,c->whd", image, np.asarray(LUMINANCE, image.dtype))[None]
    finite: Values = image[np.isfinite(image)]
    if not len(finite):
        raise ValueError("no slice has a finite value")
    return finite


def _kind(values: Values, modality: str, clip: bool) -> str:
    lowest, highest = float(values.min()), float(values.max())
    if clip or modality == "US":
        return "grey8" if lowest >= 0 and highest <= 255 else "magnitude"
    whole = bool((values == np.round(values)).all())
    if len(np.unique(values[:100_000])) <= 2 and len(np.unique(values)) <= 2 and lowest == 0.0:
        return "mask"
    air = whole and lowest <= -900 and highest <= 32_767
    return "hu" if modality == "CT" or (not modality and air) else "magnitude"
