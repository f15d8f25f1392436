"""``python -m benchmarks input_check``: what the adrenal model refuses, and what it calls unlike its training."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import max_pool3d

from monai_das.contract import Contract, InputRefusedError, case_summary
from monai_das.data import find_cases
from monai_das.data.values import kinds_of
from monai_das.datasets import medmnist3d_datalist
from monai_das.inference import DASBundleModel, Predictor
from monai_das.transforms import DASScaleIntensity, make_thumbnails


def eroded(mask: Tensor) -> Tensor:
    """Return ``mask`` ``(C, H, W, D)`` without its outermost voxels."""
    return -max_pool3d(-mask[None], 3, stride=1, padding=1)[0]


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "as they are": lambda mask: mask,
    "eroded by a voxel": eroded,
    "eroded by two voxels": lambda mask: eroded(eroded(mask)),
    "shifted by 16 slices": lambda mask: mask.roll(16, dims=3),
    "shifted by 16 pixels": lambda mask: mask.roll(16, dims=1),
    "noise of 10 % of the range": lambda mask: mask + 25.5 * torch.randn_like(mask),
    "1 % of the voxels flipped": lambda mask: torch.where(torch.rand_like(mask) < 0.01, 255.0 - mask, mask),
    "upside down": lambda mask: mask.flip(3),
    "rows reversed": lambda mask: mask.flip(1),
    "columns reversed": lambda mask: mask.flip(2),
    "rows and columns swapped": lambda mask: mask.transpose(1, 2),
    "lower half of the slices cut off": lambda mask: mask[..., mask.size(3) // 2 :],
    "half of each slice cut off": lambda mask: torch.cat((mask[:, :32], torch.zeros_like(mask[:, 32:])), dim=1),
    "inverted": lambda mask: 255.0 - mask,
    "empty": torch.zeros_like,
}


def run_input_check(
    root: str | PathLike[str],
    bundle: str | PathLike[str] = "bundle",
    studies: Sequence[Path] = (),
    limit: int | None = None,
    split: str = "test",
) -> str:
    """Return the tables, with one JSON object as the last line.

    Args:
        root: folder of the data, with AdrenalMNIST3D.
        bundle: the bundle whose contract and training cases are asked.
        studies: files and folders of other inputs, which should be refused.
        limit: only the first so many cases of the split.
        split: ``"test"``, or ``"val"``, on which features of the distribution are chosen.
    """
    torch.manual_seed(0)
    predictor = Predictor(bundle)
    cases = medmnist3d_datalist(root, "adrenalmnist3d", split, limit=limit)
    masks = [torch.as_tensor(case["image"]).float() for case in cases]
    found: dict[str, Any] = {
        name: rates(predictor.model, [change(mask) for mask in masks]) for name, change in CHANGES.items()
    }
    lines = [f"{len(masks)} masks of the {split} split", "", "| masks | unlike | refused by values |", "|---|---|---|"]
    lines += [f"| {name} | {row['unlike']:.1%} | {row['refused']:.1%} |" for name, row in found.items()]
    answers = {name: answer_to(predictor, path) for name, path in find_cases(studies)} if studies else {}
    lines += ["", "| input | answer |", "|---|---|", *(f"| {name} | {text} |" for name, text in answers.items())]
    return "\n".join([*lines, json.dumps({**found, "inputs": answers})])


def rates(model: DASBundleModel, images: Sequence[Tensor]) -> dict[str, float]:
    """Return the shares of ``images`` that are unlike the training cases, and whose values are refused."""
    contract: Contract = model.contract
    if model.training is None:
        raise ValueError("the weights describe no training cases; train them anew, or see scripts/write_contract.py")
    scale = DASScaleIntensity(contract.thumbnail_size)
    unlike, refused = 0, 0
    for image in images:
        small = make_thumbnails(image[None], contract.thumbnail_size)[0]
        unlike += model.training.distance(case_summary(scale(small))) > model.training.limit
        refused += contract.values is not None and contract.values not in kinds_of(small)
    return {"unlike": round(unlike / len(images), 4), "refused": round(refused / len(images), 4)}


def answer_to(predictor: Predictor, path: Any) -> str:
    """Return why ``predictor`` refuses the study ``path``, or its answer."""
    try:
        result = predictor.predict(path)
    except InputRefusedError as error:
        return f"refused: {error.finding.plain.partition(': ')[2].partition('. Give')[0]}"
    except (OSError, ValueError) as error:
        return f"not read: {type(error).__name__}"
    return f"{result.label_name}, {'; '.join(result.notices) or 'accepted'}"
