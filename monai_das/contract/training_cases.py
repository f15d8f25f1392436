"""The training cases of a model as a distribution of light features, and how far a case is from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from monai_das.samplers.features import SliceFeatures
from monai_das.transforms import make_thumbnails

# where the terms of weights hold what their training cases look like
TRAINING = "training"
# squared units of scaled intensities; far below the noise of a slice that shows anything
FLOOR = 1e-6
# a slice with less of the largest variance counts as empty, as in DASSampler
EMPTY = 0.01
QUANTILE = 0.995
# added to each variance as a share of it: keeps a few alike cases from making every other one infinitely far
RIDGE = 1e-3
# no feature is known better than this, in the units of the summary
LEAST_VARIANCE = 1e-6
FEWEST = 3
FEATURES = 21
# squared, of the side of the volume, to numbers of the size of the others
COVARIANCE = 10.0
# of the mass of a voxel: gives an image without contrast a centre
TINY = 1e-9


def case_summary(thumbnails: Tensor) -> Tensor:
    """Describe a case by 21 numbers, from the thumbnails of its slices.

    These are the logarithms of mean and maximum over the slices of each light feature (variance, Sobel and Laplacian
    energy, see ``SliceFeatures``), and of the variance along the slices: the share of slices that are not empty, and
    the centre and the spread of the variance, both as shares of the depth. They know no place within a slice. So the
    moments of the brightness follow, see :func:`brightness_moments`.

    Args:
        thumbnails: ``(C, h, w, D)`` after preprocessing.

    Returns:
        ``(21,)`` float64.
    """
    depth = thumbnails.size(3)
    with torch.no_grad():
        light = SliceFeatures()(thumbnails[None].float().cpu(), torch.tensor([depth]))[0].double()
    variance = light[0]
    weight = (variance + FLOOR / depth) / (variance + FLOOR / depth).sum()
    place = (torch.arange(depth, dtype=torch.float64) + 0.5) / depth
    centre = (weight * place).sum()
    spread = (weight * (place - centre).square()).sum().sqrt()
    filled = (variance > EMPTY * variance.max()).double().mean()
    logs = torch.cat(((light.mean(dim=1) + FLOOR).log(), (light.amax(dim=1) + FLOOR).log()))
    return torch.cat((logs, torch.stack((filled, centre, spread)), brightness_moments(thumbnails)))


def brightness_moments(thumbnails: Tensor) -> Tensor:
    """Return where the brightness of ``(C, h, w, D)`` above its darkest voxel lies: ``(12,)`` float64.

    For each axis these are the centre and the spread as shares of the side, and the skewness; then the covariances of
    rows and columns, rows and slices, columns and slices. A mirrored image has other signs.
    """
    mass = thumbnails.detach().cpu().float().mean(dim=0)
    mass = (mass - mass.min()).double() + TINY
    mass = mass / mass.sum()
    places = [(torch.arange(side, dtype=torch.float64) + 0.5) / side for side in mass.shape]
    found, away = [], []
    for axis, place in enumerate(places):
        along = mass.sum(dim=[other for other in range(3) if other != axis])
        centre = (along * place).sum()
        away.append(place - centre)
        spread = (along * away[axis].square()).sum().sqrt()
        found += [centre, spread, (along * away[axis].pow(3)).sum() / (spread.pow(3) + FLOOR)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        plane = mass.sum(dim=3 - one - other)
        found.append(COVARIANCE * (away[one] @ plane @ away[other]))
    return torch.stack(found)


@dataclass(frozen=True, eq=False)
class TrainingCases:
    """Mean and covariance of the summaries of the training cases, and how far most of them lie from the mean.

    Attributes:
        cases: their number.
        mean: ``(F,)`` float64.
        covariance: ``(F, F)`` float64.
        limit: the 99.5th percentile of their Mahalanobis distances; each case is measured against all others.
    """

    cases: int
    mean: Tensor
    covariance: Tensor
    limit: float

    @classmethod
    def of_images(cls, images: Iterable[Tensor], size: int) -> TrainingCases | None:
        """Return the distribution of preprocessed ``images`` ``(C, H, W, D)``, by thumbnails of ``size`` pixels."""
        return cls.of(case_summary(make_thumbnails(torch.as_tensor(image)[None], size)[0]) for image in images)

    @classmethod
    def of(cls, summaries: Iterable[Tensor]) -> TrainingCases | None:
        """Return the distribution of ``summaries``, each ``(F,)``; None of fewer than three."""
        rows = list(summaries)
        if len(rows) < FEWEST:
            return None
        points = torch.stack(rows).double()
        count, mean = len(points), points.mean(dim=0)
        away = points - mean
        covariance = away.T @ away / (count - 1)
        covariance += torch.diag(RIDGE * covariance.diagonal() + LEAST_VARIANCE)
        # against the others: mean and covariance without a case follow from those of all (Sherman and Morrison)
        inside = _squared(away, covariance) / (count - 1)
        rest = (1 - count / (count - 1) * inside).clamp(min=1e-9)
        distances = ((count / (count - 1)) ** 2 * (count - 2) * inside / rest).sqrt()
        return cls(count, mean, covariance, float(distances.quantile(QUANTILE)))

    def distance(self, summary: Tensor) -> float:
        """Return the Mahalanobis distance of ``summary`` ``(F,)`` from the training cases."""
        return float(_squared((summary.double() - self.mean)[None], self.covariance).sqrt())

    def as_dict(self) -> dict[str, Any]:
        """Return all in types that JSON can hold."""
        return {
            "cases": self.cases,
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "limit": self.limit,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingCases:
        """Return what :meth:`as_dict` wrote."""
        mean, covariance = (torch.tensor(content[name], dtype=torch.float64) for name in ("mean", "covariance"))
        return cls(int(content["cases"]), mean, covariance, float(content["limit"]))


def _squared(away: Tensor, covariance: Tensor) -> Tensor:
    """Return the squared Mahalanobis length of each row of ``away`` ``(n, F)``."""
    lengths: Tensor = (away * torch.linalg.solve(covariance, away.T).T).sum(dim=1)
    return lengths.clamp(min=0.0)
