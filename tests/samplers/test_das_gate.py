"""DASGateSampler: the variance as its prior, noise, a prior that fades, and the gradient of the task."""

import pytest
import torch
from torch import nn

from monai_das.losses import DASLoss
from monai_das.networks import DASGatedAggregation, DASSliceClassifier, DASVolumeClassifier
from monai_das.samplers import DASGateSampler, DASTopVarianceSampler
from monai_das.samplers.das_parts import bounded, case_temperature, slice_tokens
from tests.samplers.das_cases import EMPTY, FAINT, draws, falling_volume, preferring, steep, volume_with_empty_slices


@pytest.mark.parametrize("variance", ["within", "between"])
@pytest.mark.parametrize("offset", [0.0, -1000.0])
def test_untrained_it_is_top_variance(variance: str, offset: float) -> None:
    thumbnails = 10.0 * torch.rand(8, 2, 28, 28, 24) + offset
    lengths = torch.tensor([24, 24, 20, 13, 9, 7, 4, 1])

    learned = DASGateSampler(num_slices=7, variance=variance).eval()(thumbnails, lengths)
    control = DASTopVarianceSampler(num_slices=7, variance=variance).eval()(thumbnails, lengths)

    assert torch.equal(learned.indices, control.indices)
    assert learned.penalty.tolist() == [0.0] * 8


def test_an_empty_slice_is_never_chosen_while_k_others_remain() -> None:
    thumbnails = volume_with_empty_slices()
    sampler = steep(DASGateSampler(num_slices=7))

    for training in (False, True):
        chosen = sampler.train(training)(thumbnails).indices
        assert not ((chosen == EMPTY) | (chosen == FAINT)).any()


@pytest.mark.parametrize("weight", [-50.0, 50.0])
def test_the_adaptive_temperature_stays_near_1_and_reorders_nothing(weight: float) -> None:
    thumbnails = torch.rand(6, 1, 16, 16, 12) * torch.rand(6, 1, 1, 1, 12)
    sampler = DASGateSampler(num_slices=5).eval()
    plain = sampler(thumbnails)

    nn.init.constant_(sampler.heat.weight, weight)
    adapted = sampler(thumbnails)

    ratio = (plain.scores / adapted.scores)[:, :1]
    torch.testing.assert_close(adapted.scores * ratio, plain.scores)
    assert (ratio >= 0.5 - 1e-5).all()
    assert (ratio <= 1.5 + 1e-5).all()
    assert torch.equal(adapted.indices, plain.indices)


def test_the_penalty_is_a_small_part_of_the_mean_squared_residual() -> None:
    sampler = preferring(DASGateSampler(num_slices=2), 0)

    selection = sampler(falling_volume(), torch.tensor([8, 5]))

    torch.testing.assert_close(selection.penalty, torch.tensor([0.016, 0.016]))


def test_the_prior_fades_while_training_keeps_all_slices() -> None:
    thumbnails, lengths = falling_volume(), torch.tensor([8, 8])
    sampler = steep(DASGateSampler(num_slices=2))
    looks = sampler.encoder(thumbnails, lengths)
    residual = bounded(sampler.head(sampler.attention(sampler.token(slice_tokens(looks)), looks.mask)), sampler.bound)
    heat = case_temperature(sampler.heat(looks.mean_logs))

    scores = {}
    for sampler.widening in (1.0, 0.25, 0.0):
        scores[sampler.widening] = sampler.train()(thumbnails)
    sampler.widening = 1.0
    evaluated = sampler.eval()(thumbnails)

    assert scores[1.0].indices.tolist() == [list(range(8))] * 2
    torch.testing.assert_close(scores[1.0].scores, residual / heat)
    torch.testing.assert_close(scores[0.25].scores, (0.75 * looks.logs[:, 0] + residual) / heat)
    torch.testing.assert_close(scores[0.0].scores, (looks.logs[:, 0] + residual) / heat)
    torch.testing.assert_close(evaluated.scores, scores[0.0].scores)
    assert evaluated.indices.shape == (2, 2)


def test_noise_is_for_training_and_on_by_default() -> None:
    thumbnails = 1.0 + 0.001 * torch.rand(1, 1, 16, 16, 20)
    noisy, still = DASGateSampler(num_slices=4), DASGateSampler(num_slices=4, noise=0.0)

    wanted = still.eval()(thumbnails).indices

    assert len({tuple(one.indices[0].tolist()) for one in draws(noisy, thumbnails, 10)}) > 5
    assert all(torch.equal(one.indices, wanted) for one in draws(still, thumbnails, 3))
    assert torch.equal(noisy.eval()(thumbnails).indices, wanted)


@pytest.mark.parametrize("network_of", ["slices", "volume"])
def test_the_task_loss_reaches_every_parameter_of_it_after_one_step(network_of: str) -> None:
    sampler = DASGateSampler(num_slices=4)
    if network_of == "slices":
        backbone = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        network = DASSliceClassifier(sampler, backbone, 2, DASGatedAggregation(), num_features=8, thumbnail_size=16)
    else:
        whole = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
        network = DASVolumeClassifier(sampler, whole, thumbnail_size=16)
    loss, optimizer = DASLoss(), torch.optim.SGD(network.train().parameters(), 0.1)
    volume, labels = torch.rand(6, 1, 16, 16, 10), torch.tensor([0, 1, 0, 1, 0, 1])

    for _ in range(2):
        optimizer.zero_grad()
        loss(network(volume), labels).backward()
        optimizer.step()

    silent = [name for name, each in sampler.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []


def test_an_unknown_variance_is_refused() -> None:
    with pytest.raises(ValueError, match="variance must be 'within' or 'between', got 'total'"):
        DASGateSampler(num_slices=4, variance="total")
