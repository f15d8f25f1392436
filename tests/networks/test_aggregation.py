import pytest
import torch

from monai_das.networks import (
    DASAggregation,
    DASAttentionAggregation,
    DASGatedAggregation,
    DASMaxAggregation,
    DASMeanAggregation,
)

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
