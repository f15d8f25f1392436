"""What DASSampler chooses; what every sampler promises is in test_contract.py."""

import pytest
import torch
from torch import Tensor, nn

from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier
from monai_das.samplers import DASEvenSampler, DASSampler
from tests.samplers.das_cases import EMPTY, FAINT, falling_volume, steep, volume_with_empty_slices


class Scores(nn.Module):
    """A head that gives the slices of every case these scores."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, tokens: Tensor) -> Tensor:
        return self.scores.expand(tokens.size(0), -1)[:, :, None]


def scoring(scores: list[float], num_slices: int) -> DASSampler:
    sampler = DASSampler(num_slices=num_slices)
    sampler.head = Scores(torch.tensor(scores))
    return sampler


@pytest.mark.parametrize("budget", [{"num_slices": 1}, {"num_slices": 5}, {"fraction": 0.4}], ids=str)
def test_untrained_it_is_evenly_spread_over_the_slices_that_are_not_empty(budget: dict[str, float]) -> None:
    thumbnails = 10.0 * torch.rand(6, 2, 28, 28, 24) - 1000.0
    thumbnails[0, ..., :9] = thumbnails[1, ..., 20:] = -1000.0
    lengths = torch.tensor([24, 24, 20, 13, 7, 1])

    untrained = DASSampler(**budget).eval()(thumbnails, lengths)
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
    sampler = DASSampler(num_slices=7)
    sampler.head = Scores(torch.full((9,), -1e6).index_fill(0, torch.tensor([EMPTY, FAINT]), 1e6))

    selection = sampler.train(training)(volume_with_empty_slices())

    assert selection.kept.all()
    assert not torch.isin(selection.indices, torch.tensor([EMPTY, FAINT])).any()


def test_weights_of_the_first_edition_are_refused_by_name() -> None:
    network = DASSliceClassifier(DASSampler(num_slices=2), DASMobileNetV3Small(in_channels=1), 2)
    first = {**network.state_dict(), "sampler.heat.weight": torch.zeros(1, 3), "sampler.heat.bias": torch.zeros(1)}

    with pytest.raises(RuntimeError, match=r"the weights are of the first edition of DASSampler .*; train again, or"):
        network.load_state_dict(first)


@pytest.mark.parametrize("floor", [1e-4, 0.1])
def test_floor_says_what_counts_as_empty(floor: float) -> None:
    sampler = DASSampler(num_slices=1, floor=floor).eval()
    sampler.head = Scores(torch.zeros(9).index_fill(0, torch.tensor([FAINT]), 8.0))

    assert (sampler(volume_with_empty_slices()).indices == FAINT).all() == (floor < 0.001)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_fewer_eligible_slices_than_rows_still_fill_all_rows(training: bool) -> None:
    thumbnails = torch.zeros(2, 1, 16, 16, 9)
    thumbnails[..., [1, 6]] = torch.randn(2, 1, 16, 16, 2)

    selection = DASSampler(num_slices=5).train(training)(thumbnails)

    assert selection.kept.all()
    for row in selection.indices.tolist():
        assert len(set(row)) == 5
        assert {1, 6} <= set(row)


def test_between_too_an_empty_slice_is_one_without_variance_of_its_own() -> None:
    sampler = DASSampler(num_slices=7, variance="between").eval()
    sampler.head = Scores(torch.zeros(9).index_fill(0, torch.tensor([EMPTY]), 8.0))

    assert not (sampler(volume_with_empty_slices()).indices == EMPTY).any()


def test_padding_does_not_decide_who_is_empty() -> None:
    thumbnails, lengths = torch.rand(2, 1, 16, 16, 8), torch.tensor([8, 4])
    loud = thumbnails.clone()
    loud[1, ..., 4:] *= 1000.0
    sampler = DASSampler(num_slices=2).eval()

    assert torch.equal(sampler(loud, lengths).indices, sampler(thumbnails, lengths).indices)


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_a_floor_that_is_no_share_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match=rf"floor must be in \(0, 1\), got {floor}"):
        DASSampler(num_slices=4, floor=floor)


def test_a_grid_too_small_for_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="grid must be at least 3 pixels, got 2"):
        DASSampler(num_slices=1, grid=2)


def test_a_finer_grid_sees_what_a_coarse_one_averages_away() -> None:
    """Half of the slices are a checkerboard of single pixels, of zero mean in every block of 2 x 2."""
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    thumbnails = torch.rand(1, 1, 1, 1, 6) * columns[:, :, None]
    fine = thumbnails + 10.0 * (1.0 - 2.0 * ((rows + columns) % 2))[:, :, None] * torch.tensor([0, 0, 0, 1, 0, 0])

    looks = [
        [DASSampler(num_slices=1, grid=grid).encoder(one, torch.tensor([6])).logs[0] for one in (thumbnails, fine)]
        for grid in (32, 64)
    ]

    torch.testing.assert_close(looks[0][0], looks[0][1], atol=1e-3, rtol=0.0)
    assert not torch.allclose(looks[1][0], looks[1][1], atol=0.1)


def test_heads_that_cannot_share_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="dim must be a multiple of num_heads, got dim=32 and num_heads=5"):
        DASSampler(num_slices=4, num_heads=5)


def test_scores_are_float32_under_autocast_and_near_those_without() -> None:
    sampler = DASSampler(num_slices=4).eval()
    thumbnails = 3000.0 * torch.rand(2, 1, 16, 16, 9)
    nn.init.normal_(sampler.head[-1].weight, std=0.1)
    wanted = sampler(thumbnails)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        selection = sampler(thumbnails)

    assert selection.scores.dtype == torch.float32
    torch.testing.assert_close(selection.scores, wanted.scores, atol=0.03, rtol=0.02)


def test_torchscript_takes_another_budget() -> None:
    sampler = steep(DASSampler(num_slices=4)).eval()
    scripted = torch.jit.script(sampler)
    thumbnails, lengths = torch.rand(2, 1, 16, 16, 12), torch.tensor([12, 5])

    for budget in (1, 6):
        scripted.num_slices = sampler.num_slices = budget
        one, other = scripted(thumbnails, lengths), sampler(thumbnails, lengths)
        assert torch.equal(one.indices, other.indices)
        torch.testing.assert_close(one.scores, other.scores)


def test_a_frozen_script_keeps_its_budget() -> None:
    sampler = steep(DASSampler(num_slices=4)).eval()
    thumbnails = torch.rand(2, 1, 16, 16, 12)

    frozen = torch.jit.freeze(torch.jit.script(sampler))

    assert torch.equal(frozen(thumbnails).indices, sampler(thumbnails).indices)


def test_a_few_steps_teach_it_a_slice() -> None:
    sampler = DASSampler(num_slices=1).train()
    optimizer = torch.optim.Adam(sampler.parameters(), 0.01)
    thumbnails = falling_volume()

    for _ in range(40):
        optimizer.zero_grad()
        (-torch.log_softmax(sampler(thumbnails).scores, dim=1)[:, 5].mean()).backward()
        optimizer.step()

    assert sampler.eval()(thumbnails).indices.tolist() == [[5], [5]]


def test_one_trained_model_serves_any_budget() -> None:
    sampler = steep(DASSampler(num_slices=2)).eval()
    thumbnails = torch.rand(2, 1, 16, 16, 10)
    counts = []

    for sampler.num_slices in (1, 3, 10, 12):
        selection = sampler(thumbnails)
        rows = zip(selection.indices, selection.kept, strict=True)
        counts.append([len(set(row[kept].tolist())) for row, kept in rows])

    assert counts == [[1, 1], [3, 3], [10, 10], [10, 10]]
