import pytest
import torch
from torch import Tensor, nn

from monai_das.samplers import DASUniformSampler
from monai_das.samplers.design import (
    accurate,
    inclusion_probabilities,
    starts,
    stratified,
    systematic,
    with_missing_rows,
)
from monai_das.samplers.selection import lowest

HALF = torch.tensor([0.5])
SIZES = [(depth, k) for depth in (1, 2, 3, 7, 18, 28, 49, 60) for k in (1, 2, 3, 5, 7, 16) if k <= depth]


def all_of(depth: int, batch: int = 1) -> Tensor:
    return torch.ones(batch, depth, dtype=torch.bool)


def random_scores(seed: int) -> tuple[Tensor, Tensor, int]:
    """Return scores ``(8, D)`` flat to steep, half of them with ties, which slices are eligible, and a budget."""
    generator = torch.Generator().manual_seed(seed)
    depth = int(torch.randint(1, 60, (1,), generator=generator))
    scores = torch.randn(8, depth, generator=generator) * 10.0 ** (seed % 5 - 1)
    eligible = torch.rand(8, depth, generator=generator) > seed % 7 / 7
    return scores.round() if seed % 2 else scores, eligible, 1 + seed % depth


class Chooser(nn.Module):
    """Both choices of four slices, as networks and exports see them."""

    def forward(self, scores: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        eligible = scores > -1.0
        marks = scores.masked_fill(~eligible, lowest())
        inclusion = inclusion_probabilities(marks, counts, torch.ones_like(eligible))
        return systematic(inclusion, 4, starts(scores, False)), stratified(inclusion, marks, counts, 4)


def test_probabilities_sum_to_the_budget_and_keep_the_odds() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, 3.0, 9.0]])

    inclusion = inclusion_probabilities(scores, torch.tensor([2]), all_of(5))

    assert inclusion.sum().item() == pytest.approx(2.0)
    assert inclusion[0, 4] == 1.0
    expected = torch.softmax(scores[0, :4].double(), dim=0)
    torch.testing.assert_close(inclusion[0, :4], expected)


@pytest.mark.parametrize(("depth", "k"), SIZES)
def test_flat_scores_are_evenly_spread_by_both_choices(depth: int, k: int) -> None:
    even = DASUniformSampler(num_slices=k)(torch.rand(1, 1, 3, 3, depth)).indices
    flat = torch.full((1, depth), 0.3)
    inclusion = inclusion_probabilities(flat, torch.tensor([k]), all_of(depth))

    torch.testing.assert_close(inclusion, torch.full_like(inclusion, k / depth))
    assert torch.equal(systematic(inclusion, k, HALF), even)
    assert torch.equal(stratified(inclusion, flat, torch.tensor([k]), k), even)


@pytest.mark.parametrize(("depth", "k"), SIZES)
def test_sure_scores_are_the_k_highest_by_both_choices(depth: int, k: int) -> None:
    scores = torch.randperm(depth)[None].float()
    inclusion = inclusion_probabilities(100.0 * scores, torch.tensor([k]), all_of(depth))
    highest = scores.topk(k).indices.sort().values

    assert torch.equal(systematic(inclusion, k, HALF), highest)
    assert torch.equal(stratified(inclusion, scores, torch.tensor([k]), k), highest)


def test_systematic_choice_takes_every_slice_with_its_probability() -> None:
    scores = 2.0 * torch.randn(1, 20)
    inclusion = inclusion_probabilities(scores, torch.tensor([5]), all_of(20))
    start = (torch.arange(65_536) / 65_536).float()

    places = systematic(inclusion.expand(65_536, -1), 5, start)

    frequency = torch.bincount(places.flatten(), minlength=20) / 65_536
    torch.testing.assert_close(frequency.double(), inclusion[0], atol=2e-5, rtol=0.0)


def test_sums_weighted_by_the_probabilities_are_unbiased() -> None:
    values, scores = torch.rand(1, 20).double(), torch.randn(1, 20)
    inclusion = inclusion_probabilities(scores, torch.tensor([5]), all_of(20))
    places = systematic(inclusion.expand(65_536, -1), 5, (torch.arange(65_536) / 65_536).float())

    estimates = (values / inclusion).expand(65_536, -1).gather(1, places).sum(dim=1)

    assert estimates.mean().item() == pytest.approx(values.sum().item(), rel=1e-3)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("random", [False, True], ids=["middle", "random"])
def test_exactly_k_distinct_slices_in_order_and_empty_ones_last(seed: int, random: bool) -> None:
    scores, eligible, k = random_scores(seed)
    counts = torch.full((8,), k)
    marks = scores.masked_fill(~eligible, lowest())
    inclusion = inclusion_probabilities(marks, counts, torch.ones_like(eligible))

    for places in (systematic(inclusion, k, starts(scores, random)), stratified(inclusion, marks, counts, k)):
        assert (places < scores.size(1)).all()
        assert (places[:, 1:] > places[:, :-1]).all()
        assert torch.equal(eligible.gather(1, places).sum(dim=1), torch.minimum(eligible.sum(dim=1), counts))


@pytest.mark.parametrize("seed", range(20))
def test_the_best_slice_is_always_in_the_stratified_choice(seed: int) -> None:
    scores = torch.randn(8, 30, generator=torch.Generator().manual_seed(seed))
    inclusion = inclusion_probabilities(scores, torch.full((8,), 4), all_of(30, 8))

    places = stratified(inclusion, scores, torch.full((8,), 4), 4)

    assert (places == scores.argmax(dim=1, keepdim=True)).any(dim=1).all()


def test_ties_that_fall_on_a_border_leave_no_part_empty() -> None:
    # probabilities of 1 whose middles lie on the borders between parts
    inclusion = torch.tensor([[0.5, 1.0, 1.0, 0.5]], dtype=torch.float64)

    assert stratified(inclusion, torch.zeros(1, 4), torch.tensor([3]), 3).tolist() == [[0, 1, 3]]
    assert systematic(inclusion, 3, torch.tensor([0.0])).tolist() == [[0, 1, 2]]


def test_a_case_of_fewer_slices_has_missing_rows() -> None:
    lengths = torch.tensor([6, 2])
    real = torch.arange(6)[None, :] < lengths[:, None]
    counts = torch.tensor([3, 2])
    inclusion = inclusion_probabilities(torch.zeros(2, 6), counts, real)

    for places in (
        systematic(inclusion, 3, starts(counts, False)),
        stratified(inclusion, torch.zeros(2, 6), counts, 3),
    ):
        indices, kept = with_missing_rows(places, counts, lengths)
        assert indices.tolist() == [[1, 3, 5], [0, 1, 1]]
        assert kept.tolist() == [[True, True, True], [True, True, False]]


def test_empty_slices_fill_up_evenly_where_too_few_others_are_left() -> None:
    logits = torch.tensor([[lowest()] * 4 + [0.0] + [lowest()] * 4])

    inclusion = inclusion_probabilities(logits, torch.tensor([3]), all_of(9))

    assert inclusion[0].tolist() == [0.25] * 4 + [1.0] + [0.25] * 4


def test_empty_slices_are_told_from_padding() -> None:
    logits, real = torch.tensor([[0.0, lowest(), 5.0, 5.0]]), torch.tensor([[True, True, False, False]])

    assert inclusion_probabilities(logits, torch.tensor([2]), real).tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_steep_scores_and_offsets_cost_no_digits() -> None:
    scores = torch.tensor([[-3e38, 0.0, 1e30, 1e30]])

    inclusion = inclusion_probabilities(scores, torch.tensor([3]), all_of(4))

    assert inclusion[0].tolist() == pytest.approx([0.0, 1.0, 1.0, 1.0])


def test_no_gradient_comes_through_the_choice() -> None:
    scores = torch.randn(1, 9, requires_grad=True)

    assert not inclusion_probabilities(scores, torch.tensor([2]), all_of(9)).requires_grad


def test_sums_are_taken_in_double_precision() -> None:
    assert accurate(torch.rand(3)).dtype == torch.float64


@pytest.mark.no_cover
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_and_export_choose_the_same() -> None:
    dynamic = torch.export.Dim.DYNAMIC
    example = (torch.randn(2, 12), torch.tensor([4, 3]))
    program = torch.export.export(Chooser(), example, dynamic_shapes=({0: dynamic, 1: dynamic}, {0: dynamic}))

    for run in (torch.jit.script(Chooser()), program.module()):
        for batch, depth in [(3, 20), (1, 5), (5, 60)]:
            scores, counts = torch.randn(batch, depth).round(decimals=1), torch.randint(1, 5, (batch,))
            wanted = Chooser()(scores, counts)
            assert all(torch.equal(got, other) for got, other in zip(run(scores, counts), wanted, strict=True))


@pytest.mark.no_cover
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning")
def test_onnx_chooses_the_same() -> None:
    runtime = pytest.importorskip("onnxruntime")
    dynamic = torch.export.Dim.DYNAMIC
    example = (torch.randn(2, 12), torch.tensor([4, 3]))
    program = torch.export.export(Chooser(), example, dynamic_shapes=({0: dynamic, 1: dynamic}, {0: dynamic}))
    exported = torch.onnx.export(program, dynamo=True, verbose=False)
    session = runtime.InferenceSession(exported.model_proto.SerializeToString())

    for batch, depth in [(3, 20), (1, 5), (5, 60)]:
        scores, counts = torch.randn(batch, depth).round(decimals=1), torch.randint(1, 5, (batch,))
        got = session.run(None, {"scores": scores.numpy(), "counts": counts.numpy()})
        assert all((one == other.numpy()).all() for one, other in zip(got, Chooser()(scores, counts), strict=True))
