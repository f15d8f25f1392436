"""How DASSampler learns: noise, the wide budget, and the gradient of the task."""

import pytest
import torch
from torch import nn

from monai_das.losses import DASLoss
from monai_das.networks import DASGatedAggregation, DASSliceClassifier
from monai_das.samplers import DASSampler
from tests.samplers.das_cases import draws, falling_volume, steep


def test_a_few_steps_teach_it_a_slice_of_lower_variance() -> None:
    sampler = DASSampler(num_slices=1)
    optimizer = torch.optim.Adam(sampler.parameters(), 0.01)
    thumbnails = falling_volume()

    for selection in draws(sampler, thumbnails, 40):
        optimizer.zero_grad()
        (-torch.log_softmax(selection.scores, dim=1)[:, 5].mean()).backward()
        optimizer.step()

    assert sampler.eval()(thumbnails).indices.tolist() == [[5], [5]]


def test_noise_is_for_training_only() -> None:
    thumbnails = 1.0 + 0.1 * torch.rand(1, 1, 16, 16, 20)
    noisy, still = DASSampler(num_slices=4, noise=2.0), DASSampler(num_slices=4, noise=0.0)

    wanted = still.eval()(thumbnails).indices

    assert len({tuple(one.indices[0].tolist()) for one in draws(noisy, thumbnails, 10)}) > 5
    assert all(torch.equal(one.indices, wanted) for one in draws(still, thumbnails, 3))
    assert torch.equal(noisy.eval()(thumbnails).indices, wanted)


def test_noise_changes_the_choice_but_not_the_scores() -> None:
    thumbnails = torch.rand(1, 1, 16, 16, 20)
    sampler = DASSampler(num_slices=4, noise=2.0)

    scores = [selection.scores for selection in draws(sampler, thumbnails, 2)]

    assert torch.equal(scores[0], scores[1])
    assert torch.equal(scores[0], sampler.eval()(thumbnails).scores)


def test_max_slices_draws_budgets_evenly_on_a_logarithmic_scale() -> None:
    sampler = DASSampler(num_slices=2, max_slices=8)

    counts = [int(one.kept.sum()) for one in draws(sampler, torch.rand(1, 1, 8, 8, 12), 300)]

    assert set(counts) == {2, 3, 4, 5, 6, 7, 8}
    assert 0.35 < sum(count < 4 for count in counts) / 300 < 0.55  # log(3.5 / 2) / log(8 / 2) = 0.40
    assert sampler.eval()(torch.rand(1, 1, 8, 8, 12)).indices.shape == (1, 2)


def test_max_slices_never_asks_for_more_than_there_are() -> None:
    sampler = DASSampler(num_slices=2, max_slices=8)

    for selection in draws(sampler, torch.rand(2, 1, 8, 8, 3), 20):
        assert 2 <= int(selection.kept[0].sum()) <= 3


def test_a_widened_budget_is_not_drawn_away() -> None:
    sampler = DASSampler(num_slices=2, max_slices=4)
    sampler.widening = 1.0

    assert all(one.kept.sum(dim=1).tolist() == [12] for one in draws(sampler, torch.rand(1, 1, 8, 8, 12), 5))


@pytest.mark.parametrize(
    ("budget", "got"),
    [
        ({"num_slices": 4, "max_slices": 3}, "num_slices=4 and max_slices=3"),
        ({"fraction": 0.5, "max_slices": 8}, "num_slices=None and max_slices=8"),
    ],
)
def test_an_impossible_range_is_named(budget: dict[str, float], got: str) -> None:
    with pytest.raises(ValueError, match=f"max_slices must be num_slices or more, got {got}"):
        DASSampler(**budget)


def small_network(sampler: DASSampler) -> DASSliceClassifier:
    backbone = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
    return DASSliceClassifier(sampler, backbone, 2, DASGatedAggregation(), num_features=8, thumbnail_size=16)


def test_the_loss_reaches_every_parameter_after_one_step() -> None:
    network = small_network(DASSampler(num_slices=4)).train()
    loss, optimizer = DASLoss(), torch.optim.SGD(network.parameters(), 0.1)
    volume, labels = torch.rand(6, 1, 16, 16, 10), torch.tensor([0, 1, 0, 1, 0, 1])

    for _ in range(2):
        optimizer.zero_grad()
        loss(network(volume), labels).backward()
        optimizer.step()

    silent = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []
    assert all(each.grad.isfinite().all() for each in network.parameters())


def test_one_trained_model_serves_any_budget() -> None:
    network = small_network(steep(DASSampler(num_slices=2, max_slices=8))).eval()
    volume = torch.rand(2, 1, 16, 16, 10)
    chosen = []

    for network.sampler.num_slices in (1, 3, 10, 12):
        selection = network.score(network.thumbnails(volume))
        chosen.append([set(row[kept].tolist()) for row, kept in zip(selection.indices, selection.kept, strict=True)])
        assert network(volume).isfinite().all()

    assert [[len(case) for case in each] for each in chosen] == [[1, 1], [3, 3], [10, 10], [10, 10]]
    assert all(few <= more for few, more in zip(chosen[0], chosen[1], strict=True))


def test_the_prior_stays_while_the_budget_is_wide() -> None:
    sampler = DASSampler(num_slices=2)
    thumbnails = falling_volume()
    sampler.widening = 1.0

    assert torch.equal(sampler.train()(thumbnails).scores, sampler.eval()(thumbnails).scores)
