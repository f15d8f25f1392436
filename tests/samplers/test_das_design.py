"""What DASDesignSampler chooses; what every sampler promises is in test_contract.py."""

import pytest
import torch
from torch import Tensor, nn

from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier
from monai_das.samplers import DASDesignSampler, DASEvenSampler, DASSampler
from tests.samplers.das_cases import EMPTY, FAINT, volume_with_empty_slices


class Scores(nn.Module):
    """A head that gives the slices of every case these scores."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, tokens: Tensor) -> Tensor:
        return self.scores.expand(tokens.size(0), -1)[:, :, None]


def scoring(scores: list[float], num_slices: int) -> DASDesignSampler:
    sampler = DASDesignSampler(num_slices=num_slices)
    sampler.head = Scores(torch.tensor(scores))
    return sampler


@pytest.mark.parametrize("budget", [{"num_slices": 1}, {"num_slices": 5}, {"fraction": 0.4}], ids=str)
def test_untrained_it_is_evenly_spread_over_the_slices_that_are_not_empty(budget: dict[str, float]) -> None:
    thumbnails = 10.0 * torch.rand(6, 2, 28, 28, 24) - 1000.0
    thumbnails[0, ..., :9] = thumbnails[1, ..., 20:] = -1000.0
    lengths = torch.tensor([24, 24, 20, 13, 7, 1])

    untrained = DASDesignSampler(**budget).eval()(thumbnails, lengths)
    even = DASEvenSampler(**budget).eval()(thumbnails, lengths)

    assert torch.equal(untrained.indices, even.indices)
    assert torch.equal(untrained.kept, even.kept)
    assert torch.allclose(untrained.inclusion, even.inclusion)


def test_sure_scores_give_the_highest_and_unsure_ones_the_best_of_each_part() -> None:
    thumbnails = torch.rand(1, 1, 16, 16, 8)
    sure = [0.0, 0.0, 7.0, 7.0, 7.0, 0.0, 0.0, 0.0]
    unsure = [0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0]

    assert scoring(sure, 3).eval()(thumbnails).indices.tolist() == [[2, 3, 4]]
    assert scoring(unsure, 2).eval()(thumbnails).indices.tolist() == [[1, 6]]


def test_in_training_each_slice_is_taken_with_its_inclusion_probability() -> None:
    sampler = scoring([0.0, 1.0, 2.0, 0.0, 3.0, 0.0], 2).train()
    thumbnails = torch.rand(1, 1, 16, 16, 6).expand(4000, -1, -1, -1, -1)

    selection = sampler(thumbnails)

    taken = selection.weights.sum(dim=1).mean(dim=0)
    assert taken == pytest.approx(selection.inclusion[0], abs=0.03)
    assert float(selection.inclusion[0].sum()) == pytest.approx(2.0)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_an_empty_slice_is_never_chosen_while_k_others_remain(training: bool) -> None:
    sampler = DASDesignSampler(num_slices=7)
    sampler.head = Scores(torch.full((9,), -1e6).index_fill(0, torch.tensor([EMPTY, FAINT]), 1e6))

    selection = sampler.train(training)(volume_with_empty_slices())

    assert selection.kept.all()
    assert not torch.isin(selection.indices, torch.tensor([EMPTY, FAINT])).any()


def test_weights_of_the_first_edition_are_refused_by_name() -> None:
    network = DASSliceClassifier(DASDesignSampler(num_slices=2), DASMobileNetV3Small(in_channels=1), 2)
    first = DASSliceClassifier(DASSampler(num_slices=2), DASMobileNetV3Small(in_channels=1), 2)

    with pytest.raises(RuntimeError, match=r"the weights are of DASSampler, .*; build the network with DASSampler, or"):
        network.load_state_dict(first.state_dict())
