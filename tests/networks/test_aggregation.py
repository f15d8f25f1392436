import pytest
import torch

from monai_das.networks import (
    DASAggregation,
    DASAttentionAggregation,
    DASGatedAggregation,
    DASMaxAggregation,
    DASMeanAggregation,
)
from monai_das.networks.aggregation import shares_in_answer

ALL = [
    DASMeanAggregation(),
    DASMaxAggregation(),
    DASAttentionAggregation(6, hidden=4),
    DASGatedAggregation(),
    DASGatedAggregation(DASAttentionAggregation(6, hidden=4)),
]
IDS = ["mean", "max", "attention", "gated", "gated attention"]


@pytest.fixture
def selection(make_selection):
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, -3.0e38, -3.0e38]])
    return make_selection(scores, [[0, 2, 3], [0, 1, 1]], [[True, True, True], [True, True, False]])


@pytest.mark.parametrize("aggregation", ALL, ids=IDS)
def test_rows_not_kept_never_count(aggregation, selection):
    features = torch.randn(2, 3, 6)
    other = features.clone()
    other[1, 2] = 1e4

    torch.testing.assert_close(aggregation(features, selection), aggregation(other, selection))


@pytest.mark.parametrize("aggregation", ALL, ids=IDS)
def test_script_equals_eager(aggregation, selection):
    features = torch.randn(2, 3, 6)

    torch.testing.assert_close(torch.jit.script(aggregation)(features, selection), aggregation(features, selection))


@pytest.mark.parametrize("aggregation", ALL, ids=IDS)
def test_equal_slices_give_the_slice_in_float32_under_autocast(aggregation, selection):
    features = torch.full((2, 3, 6), 0.123456789)

    with torch.autocast("cpu", torch.bfloat16):
        aggregated = aggregation(features, selection)

    assert aggregated.dtype == torch.float32
    torch.testing.assert_close(aggregated, features[:, 0])


def test_mean_is_over_the_kept_rows(selection):
    features = torch.arange(6.0).view(2, 3, 1)

    assert DASMeanAggregation()(features, selection).tolist() == [[1.0], [3.5]]


def test_max_is_over_the_kept_rows(selection):
    features = torch.arange(6.0).view(2, 3, 1)

    assert DASMaxAggregation()(features, selection).tolist() == [[2.0], [4.0]]


def test_gate_weighs_by_the_softmax_of_the_kept_scores(selection):
    features = torch.eye(3).expand(2, 3, 3)

    weights = DASGatedAggregation()(features, selection)

    torch.testing.assert_close(weights[0], torch.softmax(torch.tensor([0.5, 2.0, 0.0]), 0))
    torch.testing.assert_close(weights[1], torch.softmax(torch.tensor([1.0, 3.0, -torch.inf]), 0))


def test_gate_adds_the_logits_of_attention(selection):
    features = torch.randn(2, 3, 6)
    attention = DASAttentionAggregation(6)
    flat = selection._replace(scores=torch.zeros(2, 4))

    torch.testing.assert_close(DASGatedAggregation(attention)(features, flat), attention(features, flat))
    assert not torch.allclose(DASGatedAggregation(attention)(features, selection), attention(features, selection))


def test_gradient_reaches_the_scores_of_kept_slices_only(selection):
    scores = selection.scores.clone().requires_grad_()

    DASGatedAggregation()(torch.randn(2, 3, 6), selection._replace(scores=scores)).square().sum().backward()

    assert (scores.grad != 0).tolist() == [[True, False, True, True], [True, True, False, False]]
    assert scores.grad.isfinite().all()


def test_attention_is_that_of_its_source(selection):
    features = torch.randn(2, 3, 6)
    attention = DASAttentionAggregation(6, hidden=4)

    v, u, w = attention.value, attention.gate, attention.weight
    logits = (torch.tanh(features @ v.weight.T + v.bias) * torch.sigmoid(features @ u.weight.T + u.bias)) @ w.weight[0]
    expected = (torch.softmax(logits[0], 0)[:, None] * features[0]).sum(0)

    torch.testing.assert_close(attention(features, selection)[0], expected)


def test_abstract_aggregation_says_what_to_write(selection):
    with pytest.raises(NotImplementedError, match="implements forward"):
        DASAggregation()(torch.rand(2, 3, 6), selection)


HEAD = torch.tensor([[1.0, 0.0, -1.0, 0.5, 0.0, 2.0], [0.0, 1.0, 1.0, 0.0, -1.0, 0.0]])


def test_a_share_is_how_far_the_answer_moves_without_the_slice():
    features, head = torch.randn(1, 4, 6), torch.randn(3, 6)
    weights, kept = torch.softmax(torch.randn(1, 4), dim=1), torch.ones(1, 4, dtype=torch.bool)
    whole = (weights[0] @ features[0]) @ head.T

    moved = []
    for left_out in range(4):
        others = weights[0].index_fill(0, torch.tensor(left_out), 0.0)
        change = (others / others.sum() @ features[0]) @ head.T - whole
        moved.append((change - change.mean()).norm())

    expected = torch.stack(moved) / sum(moved)
    torch.testing.assert_close(shares_in_answer(weights, features, head, kept)[0], expected)


def test_a_slice_that_has_all_the_attention_and_one_class_alone_are_no_trouble():
    features, kept = torch.randn(2, 3, 6), torch.tensor([[True] * 3, [True, False, False]])

    shares = shares_in_answer(torch.tensor([[1.0, 0.0, 0.0]] * 2), features, HEAD[:1], kept)

    assert shares.isfinite().all()
    assert shares[1].tolist() == [0.0, 0.0, 0.0]


def test_nothing_is_to_be_learnt_where_the_scores_fit_the_shares(selection):
    features, attention = 10.0 * torch.randn(2, 3, 6), DASAttentionAggregation(6)
    weights = attention.weights(features, selection)
    shares = shares_in_answer(weights, features, HEAD, selection.kept).clamp(min=1e-6).log().detach()
    scores = torch.full((2, 4), 5.0)
    for case, rows in enumerate((3, 2)):
        scores[case, selection.indices[case, :rows]] = shares[case, :rows]

    same, other = (attention.lesson(features, selection._replace(scores=each), HEAD)[0] for each in (scores, -scores))

    torch.testing.assert_close(same, torch.zeros(2), atol=1e-5, rtol=0.0)
    assert (other > 1e-4).all()


def test_equal_scores_miss_what_an_even_choice_misses(selection):
    attention = DASAttentionAggregation(6)

    missed, even = attention.lesson(torch.randn(2, 3, 6), selection._replace(scores=torch.zeros(2, 4)), HEAD)

    torch.testing.assert_close(missed, even)
    assert (even > 0.0).all()


def test_the_lesson_is_for_the_scores_of_kept_slices_alone(selection):
    scores = selection.scores.clone().requires_grad_()
    features = torch.randn(2, 3, 6, requires_grad=True)
    attention, head = DASAttentionAggregation(6), HEAD.clone().requires_grad_()

    attention.lesson(features, selection._replace(scores=scores), head)[0].sum().backward()

    assert (scores.grad != 0).tolist() == [[True, False, True, True], [True, True, False, False]]
    assert features.grad is None
    assert head.grad is None
    assert all(weight.grad is None for weight in attention.parameters())


def test_a_lesson_cannot_weigh_less_than_nothing():
    with pytest.raises(ValueError, match=r"distillation_weight must not be negative, got -1\.0"):
        DASAttentionAggregation(6, distillation_weight=-1.0)
