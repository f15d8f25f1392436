"""``python -m benchmarks thumbnails``: do cheap thumbnails lead to the same choice as those of decoded volumes?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data import SliceSource, VolumeCase, WholeSource, open_source
from monai_das.datasets import compress_dicom_series, medmnist3d_datalist, write_dicom_series
from monai_das.datasets.ultrasound import covid_blues_items
from monai_das.inference import CaseResult, Predictor
from monai_das.metrics import auc
from monai_das.samplers import DASTopVarianceSampler

SYNTAXES = ("raw", "j2k")
# slices are written four times as wide and high as they are: at 64 pixels a thumbnail is the slice itself
TIMES = 4
# added before writing, in parts of the range of values: masks are smoother than any scan
NOISES = (0.0, 0.05)
CLIP_BUDGET = 8
FEATURE_SIDE, FOLDS, RIDGE = 16, 5, 100.0


@dataclass
class Agreement:
    """The slices that two kinds of thumbnails chose in the same cases, and the classes concluded from them.

    Attributes:
        shared: for each case with more slices than are chosen, the share of the exact choice that the cheap choice
            contains.
        cheap, exact: per case the probability, or the score, of class 1.
        labels: per case 0 or 1.
    """

    shared: list[float] = field(default_factory=list)
    cheap: list[float] = field(default_factory=list)
    exact: list[float] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def add(self, cheap: CaseResult, exact: CaseResult, label: int) -> None:
        """Add one case."""
        self.compare(cheap, exact)
        self.cheap.append(list(cheap.probabilities.values())[1])
        self.exact.append(list(exact.probabilities.values())[1])
        self.labels.append(label)

    def compare(self, cheap: CaseResult, exact: CaseResult) -> None:
        """Add the choice of one case."""
        one, other = ({each.index for each in result.selected} for result in (cheap, exact))
        if len(other) < exact.total_slices:
            self.shared.append(len(one & other) / len(other))

    def figures(self) -> dict[str, float]:
        """Return the mean overlap, both AUC, and how far they differ."""
        labels = np.array(self.labels)
        cheap, exact = (auc(as_probabilities(scores), labels) for scores in (self.cheap, self.exact))
        overlap = float(np.mean(self.shared)) if self.shared else 1.0
        found = {"overlap": overlap, "auc_exact": exact, "auc_cheap": cheap, "auc_change": cheap - exact}
        return {name: round(value, 4) for name, value in found.items()}


def as_probabilities(scores: Sequence[float]) -> NDArray[np.float64]:
    """Return ``scores`` of class 1 as ``(cases, 2)``."""
    values = np.array(scores, np.float64)
    return np.stack([1 - values, values], axis=1)


def run_thumbnails(
    root: str | PathLike[str], bundle: str | PathLike[str] = "bundle", split: str = "val", limit: int | None = None
) -> str:
    """Return the table, with one JSON object as its last line.

    Args:
        root: folder of the data, with AdrenalMNIST3D and COVID-BLUES.
        bundle: the bundle whose sampler chooses; its AUC is that of AdrenalMNIST3D.
        split: of AdrenalMNIST3D.
        limit: only the first so many cases of each set.
    """
    found: dict[str, dict[str, float]] = {}
    cases = medmnist3d_datalist(root, "adrenalmnist3d", split, limit=limit)
    for noise in NOISES:
        for syntax, agreement in adrenal_agreement(Predictor(bundle, accept_any_input=True), cases, noise).items():
            found[f"adrenal {split}{', noise' if noise else ''}, {syntax}"] = agreement.figures()
    clips = covid_blues_items(root)[:limit]
    for sampler in ("DAS", "top variance"):
        found[f"covid_blues, {sampler}"] = clip_agreement(
            Predictor(bundle, accept_any_input=True), clips, sampler
        ).figures()
    lines = [f"{len(cases)} volumes, {len(clips)} clips", "", "| set | overlap | AUC, exact | AUC, cheap |"]
    lines.append("|---|---|---|---|")
    for name, row in found.items():
        lines.append(f"| {name} | {row['overlap']:.3f} | {row['auc_exact']:.3f} | {row['auc_cheap']:.3f} |")
    return "\n".join([*lines, json.dumps(found)])


def adrenal_agreement(predictor: Predictor, cases: Sequence[dict[str, Any]], noise: float) -> dict[str, Agreement]:
    """Return by transfer syntax what the bundle chooses of ``cases``, each written as a DICOM series.

    The exact way is the same for all syntaxes, which lose nothing.
    """
    found = {syntax: Agreement() for syntax in SYNTAXES}
    for number, case in enumerate(cases):
        with TemporaryDirectory() as folder:
            write_dicom_series(enlarged(case["image"][0], noise, seed=number), folder)
            exact = predictor.predict(decoded(open_source(folder)))
            for syntax, agreement in found.items():
                if syntax != "raw":
                    compress_dicom_series(folder, syntax)
                agreement.add(predictor.predict(open_source(folder)), exact, int(case["label"]))
    return found


def enlarged(volume: NDArray[np.uint8], noise: float, seed: int) -> NDArray[np.int16]:
    """Return ``volume`` ``(H, W, D)`` with four times as many rows and columns, in 0 to 1020, with noise.

    Every pixel becomes a block, so that thumbnails of decoded slices equal the volume that the bundle was trained on,
    and their AUC equals the bundle's own.
    """
    values = np.repeat(np.repeat(volume.astype(np.float32) * 4, TIMES, axis=0), TIMES, axis=1)
    values += 1020 * noise * np.random.default_rng(seed).standard_normal(values.shape, dtype=np.float32)
    whole: NDArray[np.int16] = values.round().astype(np.int16)
    return whole


def decoded(source: SliceSource) -> WholeSource:
    """Return ``source`` with all its slices decoded: its thumbnails are means of their pixels."""
    case = VolumeCase(source.read_all(), source.refs, source.kind, source.affine is not None)
    return WholeSource(case, source.name)


def clip_agreement(predictor: Predictor, clips: Sequence[dict[str, Any]], sampler: str) -> Agreement:
    """Return what a sampler chooses of video clips, and how well the chosen frames tell severity.

    No network is trained on ultrasound here: ridge regression on the mean of the chosen frames at 16 x 16 pixels, with
    the patients in five folds, is fitted on the exact choice and judges both.
    """
    network = predictor.model.network
    if sampler == "DAS":
        network.sampler.num_slices = CLIP_BUDGET
    else:
        network.sampler = DASTopVarianceSampler(num_slices=CLIP_BUDGET).eval()
    found = Agreement(labels=[int(clip["label"]) for clip in clips])
    features: dict[str, list[Tensor]] = {"cheap": [], "exact": []}
    for clip in clips:
        source = open_source(clip["image"])
        whole = decoded(source)
        small = whole.thumbnails(FEATURE_SIDE).mean(dim=0)
        chosen = {name: predictor.predict(each) for name, each in (("cheap", source), ("exact", whole))}
        indices = {name: [each.index for each in result.selected] for name, result in chosen.items()}
        found.compare(chosen["cheap"], chosen["exact"])
        for name in features:
            features[name].append(small[..., indices[name]].mean(dim=-1).flatten())
    patients = [str(clip["patient"]) for clip in clips]
    cheap, exact = (torch.stack(features[name]).double() / 255 for name in ("cheap", "exact"))
    found.cheap, found.exact = ridge_scores(exact, cheap, found.labels, patients)
    return found


def ridge_scores(
    exact: Tensor, cheap: Tensor, labels: Sequence[int], patients: Sequence[str]
) -> tuple[list[float], list[float]]:
    """Return scores of held-out patients from ``cheap`` and from ``exact`` features ``(cases, F)``."""
    target = torch.tensor(labels, dtype=torch.float64)
    names = sorted(set(patients))
    fold = torch.tensor([names.index(patient) % FOLDS for patient in patients])
    scores = torch.zeros(2, len(labels), dtype=torch.float64)
    for number in range(FOLDS):
        held, kept = fold == number, fold != number
        if not bool(held.any()) or not bool(kept.any()):
            continue
        mean, middle = exact[kept].mean(dim=0), target[kept].mean()
        design = exact[kept] - mean
        square = design.T @ design + RIDGE * torch.eye(design.size(1), dtype=torch.float64)
        weights = torch.linalg.solve(square, design.T @ (target[kept] - middle))
        for row, values in enumerate((cheap, exact)):
            scores[row, held] = (values[held] - mean) @ weights + middle
    return scores[0].tolist(), scores[1].tolist()
