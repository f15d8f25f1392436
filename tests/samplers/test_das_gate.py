"""What DASGateSampler chooses and how it learns: noise, a prior that fades, and the gradient of the task."""

import pytest
import torch
from torch import nn

from monai_das.losses import DASLoss
from monai_das.networks import DASGatedAggregation, DASSliceClassifier, DASVolumeClassifier
from monai_das.samplers import DASGateSampler, DASTopVarianceSampler
from monai_das.samplers.das_parts import bounded, case_temperature, slice_tokens
from tests.samplers.das_cases import draws, falling_volume, steep


@pytest.mark.parametrize("variance", ["within", "between"])
@pytest.mark.parametrize("budget", [{"num_slices": 1}, {"num_slices": 7}, {"fraction": 0.4}], ids=str)
def test_untrained_it_is_top_variance(variance: str, budget: dict[str, float]) -> None:
    thumbnails = 10.0 * torch.rand(8, 2, 28, 28, 24) - 1000.0
    lengths = torch.tensor([24, 24, 20, 13, 9, 7, 4, 1])

    learned = DASGateSampler(**budget, variance=variance).eval()(thumbnails, lengths)
    control = DASTopVarianceSampler(**budget, variance=variance).eval()(thumbnails, lengths)

    assert torch.equal(learned.indices, control.indices)
    assert torch.equal(learned.kept, control.kept)


def test_the_prior_fades_while_training_keeps_all_slices() -> None:
    thumbnails, lengths = falling_volume(), torch.tensor([8, 8])
    sampler = steep(DASGateSampler(num_slices=2))
    looks = sampler.encoder(thumbnails, lengths)
    residual = bounded(sampler.head(sampler.attention(sampler.token(slice_tokens(looks)), looks.mask)), sampler.bound)
    heat = case_temperature(sampler.heat((looks.logs * looks.weight[:, None, :]).sum(dim=2)))

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
