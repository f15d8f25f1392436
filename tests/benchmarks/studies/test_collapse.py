"""The setting of the collapse onto empty slices, shortened; ``python -m benchmarks collapse`` has the full length."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.studies.collapse import MARGIN, VARIANTS, Variant, collapse, run_collapse
from monai_das.samplers import DASGateSampler
from monai_das.samplers.das_parts import SliceEncoder

every_variant = pytest.mark.parametrize("variant", VARIANTS)
with_and_without_noise = pytest.mark.parametrize("noise", [0.0, 0.01], ids=["masks", "noisy masks"])


class BlindEncoder(SliceEncoder):
    """Takes the guards of a sampler away: no prior, and nothing ineligible."""

    def look(self, thumbnails: Tensor, lengths: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, variance, encoded = super().look(thumbnails, lengths, weight)
        return torch.ones_like(features), torch.ones_like(variance), encoded


def unguarded() -> DASGateSampler:
    """Return a sampler as once collapsed, with no bound to speak of."""
    sampler = DASGateSampler(num_slices=7, noise=0.0)
    sampler.encoder, sampler.bound = BlindEncoder(), 1000.0
    return sampler


@every_variant
@with_and_without_noise
def test_it_does_not_flee_to_empty_slices(data_root: Path, noise: float, variant: str) -> None:
    shares = collapse(data_root, 3, noise, VARIANTS[variant], limit=200)

    assert len(shares) == 3
    assert all(share <= top_variance + MARGIN for share, top_variance in shares)


def test_a_sampler_without_guards_does_flee_there(data_root: Path) -> None:
    gate = VARIANTS["DASGateSampler, 7"]
    variant = Variant(gate.method, {**gate.settings, "network_def#sampler": unguarded()})

    shares = collapse(data_root, 3, variant=variant, limit=200)

    assert max(share for share, _ in shares) > 0.5


@with_and_without_noise
def test_it_does_not_flee_to_empty_slices_of_made_up_masks(noise: float) -> None:
    shares = collapse(None, 3, noise, limit=96)

    assert all(share <= top_variance + MARGIN for share, top_variance in shares)


def test_the_report_has_every_variant_with_and_without_noise() -> None:
    report, held = run_collapse(None, epochs=1, limit=16)

    table, last = report.splitlines()[2:-1], report.splitlines()[-1]
    excess = json.loads(last)["excess"]
    assert len(table) == 6
    assert all(row.endswith("| 0.000 |") for row in table)
    assert set(excess) == {f"{name}, noise {noise}" for name in VARIANTS for noise in (0.0, 0.01)}
    assert held == (max(excess.values()) <= MARGIN)


def test_a_training_of_no_epochs_is_refused() -> None:
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        collapse(None, epochs=0)
