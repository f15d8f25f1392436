"""``python -m benchmarks looks``: a picture of what three samplers choose of a case with planted evidence."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.engine.study_cell import study_cell, trained
from benchmarks.sets.made_up_cases import evidence_cases
from monai_das._atomic import atomic_path
from monai_das.networks import DASNetwork
from monai_das.samplers import DASEvenSampler, DASTopVarianceSampler, Selection

# the recipe of grids/evidence.json
SETTINGS = {"weight_decay": 0.01, "warmup_share": 0.1, "dropout": 0.0, "num_slices": 3}


def run_looks(path: Path, epochs: int = 20, seed: int = 0) -> str:
    """Train DASSampler on planted evidence, draw the first test case with a lesion into ``path``, say who found it.

    The backgrounds are those that come with wheels (MR of nibabel, CT and echo of pydicom), whatever data there is.
    """
    torch.set_num_threads(1)
    job = study_cell("planted", "das", SETTINGS | {"epochs": epochs, "seed": seed, "dataset_dir": None})
    network = trained(job)
    case = next(each for each in evidence_cases("planted", "test") if each["label"] == 1)
    chosen = choices(network, case["image"][None])
    with atomic_path(path) as temporary:
        picture(case["image"][0], case["telling"], chosen).savefig(temporary, dpi=110, format="png")
    found = {name: int(case["telling"][selection.indices[0]].sum()) for name, selection in chosen.items()}
    return "\n".join(f"{name}: {hits} of the chosen slices show the lesion" for name, hits in found.items())


@torch.no_grad()
def choices(network: DASNetwork, image: Tensor) -> dict[str, Selection]:
    """Return what three samplers, the last of them trained, choose of ``image`` ``(1, 1, H, W, D)``."""
    k = network.sampler.num_slices
    thumbnails = network.thumbnails(image)
    return {
        "top-variance": DASTopVarianceSampler(num_slices=k).eval()(thumbnails),
        "evenly spread": DASEvenSampler(num_slices=k).eval()(thumbnails),
        "DASSampler": network.score(thumbnails),
    }


def picture(volume: Tensor, telling: Tensor, chosen: dict[str, Selection]) -> Figure:
    """Return the slices that each sampler chose of ``volume`` ``(H, W, D)``, with the probabilities below."""
    most = max(len(each.indices[0]) for each in chosen.values())
    figure = Figure(figsize=(1.7 * most + 1.2, 1.7 * len(chosen) + 1.8), layout="constrained")
    grid = figure.add_gridspec(len(chosen) + 1, most)
    for row, (name, selection) in enumerate(chosen.items()):
        for column, index in enumerate(selection.indices[0].tolist()):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(volume[..., index].numpy(), cmap="gray", vmin=float(volume.min()), vmax=float(volume.max()))
            axes.set(xticks=[], yticks=[], title=f"slice {index}" + (", lesion" if telling[index] else ""))
            if column == 0:
                axes.set_ylabel(name)
    axes = figure.add_subplot(grid[len(chosen), :])
    places = range(volume.size(2))
    colors = ["tab:orange" if each else "tab:gray" for each in telling]
    axes.bar(places, chosen["DASSampler"].inclusion[0].numpy(), color=colors)
    axes.set(xlabel="slice (orange: it shows the lesion)", ylabel="probability")
    return figure
