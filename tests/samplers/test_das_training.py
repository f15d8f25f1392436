"""How DASSampler learns: random starts, cases seen whole, and the gradient of the task."""

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


def test_training_starts_at_random_and_the_best_slice_is_always_seen() -> None:
    torch.manual_seed(0)
    sampler = DASSampler(num_slices=3).train()
    nn.init.normal_(sampler.head[-1].weight, std=0.5)
    thumbnails = torch.rand(1, 1, 8, 8, 12)

    selection = sampler(thumbnails.expand(400, -1, -1, -1, -1))

    assert (selection.indices == selection.scores.argmax(dim=1, keepdim=True)).any(dim=1).all()
    assert len({tuple(row) for row in selection.indices.tolist()}) > 3


def test_untrained_every_slice_is_seen_equally_often() -> None:
    selection = DASSampler(num_slices=3).train()(torch.rand(1, 1, 8, 8, 9).expand(4000, -1, -1, -1, -1))

    share = selection.weights.sum(dim=(0, 1)) / 4000
    torch.testing.assert_close(share, torch.full((9,), 1 / 3), atol=0.03, rtol=0.0)


def test_a_part_of_the_cases_is_seen_whole() -> None:
    sampler = DASSampler(num_slices=2, lesson_share=0.5).train()
    sampler.widening = 0.5

    counts = sampler(torch.rand(1, 1, 8, 8, 7).expand(4000, -1, -1, -1, -1)).kept.sum(dim=1)

    assert set(counts.tolist()) == {2, 7}
    assert 0.2 < (counts == 7).float().mean() < 0.3


def test_a_case_seen_whole_includes_every_slice_for_sure() -> None:
    sampler = DASSampler(num_slices=2, lesson_share=1.0).train()
    sampler.widening = 1.0

    selection = sampler(falling_volume(), torch.tensor([8, 5]))

    assert selection.inclusion.tolist() == [[1.0] * 8, [1.0] * 5 + [0.0] * 3]
    assert selection.kept.sum(dim=1).tolist() == [8, 5]


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
    network = small_network(steep(DASSampler(num_slices=2))).eval()
    volume = torch.rand(2, 1, 16, 16, 10)

    for network.sampler.num_slices in (1, 3, 10, 12):
        kept = network.score(network.thumbnails(volume)).kept
        assert kept.sum(dim=1).tolist() == [min(10, network.sampler.num_slices)] * 2
        assert network(volume).isfinite().all()


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_of_cases_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=rf"lesson_share must be in \(0, 1\], got {share}; without lessons nothing"):
        DASSampler(num_slices=2, lesson_share=share)
