"""What is known of a case before anything is trained: depth, spacing, kind of values, patient, identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from nibabel.orientations import io_orientation
from torch import Tensor

from monai_das.data import CaseKey, SliceSource, open_source
from monai_das.data.source import LUMINANCE
from monai_das.data.values import likely_kind
from monai_das.datasets.fingerprint import files_digest
from monai_das.transforms import make_thumbnails

PLANES = ("sagittal", "coronal", "axial")  # by the axis of the world that the slices follow
LOOKS, SIDE = 5, 64  # slices of a case whose values are looked at, and their pixels a side at most


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
        values: kind of values, see :func:`~monai_das.data.values.likely_kind`.
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
    slices = _slices(source)
    low, high = np.percentile(slices.numpy(), [1.0, 99.0])
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
        values=likely_kind(slices, modality, source.affine is None, exact=source.kind != "video"),
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


def _slices(source: SliceSource) -> Tensor:
    """Return a few slices as they will be looked at: spread evenly, of a clip the first, which decode no others."""
    number = min(LOOKS, len(source))
    last = number - 1 if source.affine is None else len(source) - 1
    image = source.read(sorted({round(each) for each in np.linspace(0, last, number)}))
    if image.size(0) == 3:
        image = torch.einsum("cwhd,c->whd", image, torch.tensor(LUMINANCE))[None]
    if not bool(image.isfinite().all()):
        raise ValueError("values that are not finite numbers; predict and training refuse them")
    return make_thumbnails(image[None], min(SIDE, *image.shape[1:3]))[0]
