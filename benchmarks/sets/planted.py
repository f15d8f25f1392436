"""Faint lesions planted in known slices of real MR, CT and echo: truth per slice, on backgrounds that are not noise."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.sets.needle_hard import DASEvidenceSet
from monai_das.data import read_volume

SIZE = 28
DEPTH = 24
KINDS = ("mr", "ct", "echo")
PROFILE = (0.7, 1.0, 0.7)
CONTRAST = 4.0
NOISE = 0.2
SUBJECTS = 40


class Backgrounds(NamedTuple):
    """Stacks ``(H, W, N)`` float32 to cut cases from, and where each kind of them comes from."""

    train: dict[str, list[Tensor]]
    test: dict[str, list[Tensor]]
    sources: dict[str, str]


def backgrounds(root: str | PathLike[str] | None) -> Backgrounds:
    """Return real MR, CT and echo, as far as they are there; training and test share no background.

    MR is the hippocampus set under ``root`` (T1 crops, split by subject); without it the two halves of the volume
    ``anatomical.nii`` in the nibabel wheel. CT is the slice ``CT_small.dcm``, echo the clip ``examples_ybr_color.dcm``
    of the pydicom wheel (luminance), left half for training and right half for the test. A kind whose files are
    missing gets self-made texture, and ``sources`` says so.
    """
    found = Backgrounds({}, {}, {})
    for kind, make in {"mr": _mr, "ct": _ct, "echo": _echo}.items():
        try:
            stacks, found.sources[kind] = make(root)
        except (OSError, ImportError) as error:
            stacks = [[textured_stack(seed)] for seed in (0, 1)]
            found.sources[kind] = f"self-made texture ({error})"
        found.train[kind], found.test[kind] = stacks
    return found


real_backgrounds = lru_cache(maxsize=2)(backgrounds)


def textured_stack(seed: int) -> Tensor:
    """Return self-made texture ``(64, 64, 48)``: noise smoothed at three scales."""
    generator = torch.Generator().manual_seed(seed)
    stack = torch.zeros(1, 1, 64, 64, 48)
    for scale in (2, 4, 8):
        coarse = torch.randn(1, 1, 64 // scale, 64 // scale, 48 // scale, generator=generator)
        stack += functional.interpolate(coarse, size=(64, 64, 48), mode="trilinear", align_corners=False)
    return stack[0, 0]


def planted_set(
    num: int, seed: int, stacks: dict[str, list[Tensor]], contrast: float = CONTRAST, kinds: Sequence[str] = KINDS
) -> DASEvidenceSet:
    """Return ``num`` cases ``(1, 28, 28, 24)`` cut from ``stacks``, each with one lesion in three neighbouring slices.

    A case is a window of 28 x 28 pixels that drifts by at most a pixel from slice to slice (so that a single CT slice
    also gives a stack); slices run to and fro where there are fewer than 24. It is mirrored at random, brought to mean
    0 and standard deviation 1, and gets noise of 0.2. The lesion, a bright solid disc (class 0) or ring (class 1) of
    equal energy and 0.7, 1, 0.7 of ``contrast`` standard deviations in its three slices, lies at a random place.

    Args:
        num: how many cases; kinds alternate.
        seed: equal seeds give equal cases.
        stacks: one side of :func:`backgrounds`.
        contrast: of the lesions' middle, in standard deviations of the case.
        kinds: of ``"mr"``, ``"ct"`` and ``"echo"``.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (num,), generator=generator)
    images = torch.empty(num, SIZE, SIZE, DEPTH)
    evidence = torch.zeros(num, DEPTH, dtype=torch.bool)
    shapes = lesions() * contrast
    for case in range(num):
        image = window(stacks[kinds[case % len(kinds)]], generator)
        row, column = torch.randint(0, SIZE - 8, (2,), generator=generator).tolist()
        first = int(torch.randint(0, DEPTH - len(PROFILE) + 1, (1,), generator=generator))
        for step, share in enumerate(PROFILE):
            image[row : row + 9, column : column + 9, first + step] += share * shapes[labels[case]]
        evidence[case, first : first + len(PROFILE)] = True
        images[case] = image
    return DASEvidenceSet(images[:, None].contiguous(), labels, evidence)


def lesions() -> Tensor:
    """Return disc and ring, ``(2, 9, 9)``, smooth, of one energy; the disc's middle is about 1."""
    axis = torch.arange(9.0) - 4.0
    radius = (axis[:, None].square() + axis[None, :].square()).sqrt()
    disc = torch.sigmoid(3.0 * (2.6 - radius))
    ring = torch.exp(-(radius - 3.2).square() / 0.5)
    return torch.stack((disc, ring * (disc.square().sum() / ring.square().sum()).sqrt()))


def window(stacks: Sequence[Tensor], generator: torch.Generator) -> Tensor:
    """Return one standardised background ``(28, 28, 24)``; windows without any texture are drawn again."""
    while True:
        stack = stacks[int(torch.randint(0, len(stacks), (1,), generator=generator))]
        height, width, depth = stack.shape
        start = int(torch.randint(0, max(1, depth - DEPTH + 1), (1,), generator=generator))
        there_and_back = [*range(depth), *range(depth - 2, 0, -1)]
        order = [there_and_back[(start + step) % len(there_and_back)] for step in range(DEPTH)]
        tops = drift(height - SIZE, generator)
        lefts = drift(width - SIZE, generator)
        slices = [
            stack[top : top + SIZE, left : left + SIZE, place]
            for top, left, place in zip(tops, lefts, order, strict=True)
        ]
        image = torch.stack(slices, dim=2)
        deviation = float(image.std())
        if deviation > 0.05 * float(stack.std()):
            break
    for axis in range(3):
        if torch.rand(1, generator=generator) < 0.5:
            image = image.flip(axis)
    image = (image - image.mean()) / deviation
    return image + NOISE * torch.randn(image.shape, generator=generator)


def drift(room: int, generator: torch.Generator) -> list[int]:
    """Return 24 offsets in [0, room], each at most 1 from the one before."""
    start = int(torch.randint(0, room + 1, (1,), generator=generator))
    steps = torch.randint(-1, 2, (DEPTH,), generator=generator).cumsum(0) + start
    offsets: list[int] = steps.clamp(0, room).tolist()
    return offsets


def _mr(root: str | PathLike[str] | None) -> tuple[list[list[Tensor]], str]:
    index = None if root is None else Path(root) / "hippocampus" / "index.csv"
    if index is None or not index.is_file():
        import nibabel.testing

        stack = _padded(_grey(Path(str(nibabel.testing.data_path)) / "anatomical.nii"))
        return [[stack[..., :12]], [stack[..., 13:]]], "anatomical.nii of the nibabel wheel, lower and upper half"
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    subjects = list(dict.fromkeys(row["subject_guess"] for row in rows))[: 2 * SUBJECTS]
    parts = [
        [_padded(_grey(index.parent / row["image"])) for row in rows if row["subject_guess"] in subjects[side::2]]
        for side in (0, 1)
    ]
    return parts, f"hippocampus, {len(parts[0])} volumes for training and {len(parts[1])} for the test, by subject"


def _ct(root: str | PathLike[str] | None) -> tuple[list[list[Tensor]], str]:
    return _halves("CT_small.dcm"), "CT_small.dcm of the pydicom wheel, left and right half"


def _echo(root: str | PathLike[str] | None) -> tuple[list[list[Tensor]], str]:
    return _halves("examples_ybr_color.dcm"), "examples_ybr_color.dcm of the pydicom wheel, left and right half"


def _halves(name: str) -> list[list[Tensor]]:
    from pydicom.data import get_testdata_file

    path = get_testdata_file(name, download=False)
    if path is None:
        raise OSError(f"the pydicom wheel has no {name}")
    stack = _grey(Path(str(path)))
    middle = stack.size(0) // 2
    return [[stack[:middle]], [stack[middle:]]]


def _grey(path: Path) -> Tensor:
    """Return ``(W, H, N)`` float32; large pictures are halved, colour becomes the mean of its channels."""
    stack = read_volume(path).image.as_tensor().float().mean(dim=0)
    while min(stack.shape[:2]) > 150:
        stack = functional.avg_pool2d(stack.permute(2, 0, 1)[:, None], 2)[:, 0].permute(1, 2, 0)
    return stack


def _padded(stack: Tensor) -> Tensor:
    """Return ``stack`` with planes of at least 30 x 30 pixels, by repeating its border."""
    rows, columns = max(0, 30 - stack.size(0)), max(0, 30 - stack.size(1))
    return functional.pad(stack.permute(2, 0, 1)[None], (0, columns, 0, rows), mode="replicate")[0].permute(1, 2, 0)
