import pytest
import torch

from monai_das.samplers import DASPaperSampler

EMPTY = torch.zeros(2000, 1, 3, 3, 28)


def settings() -> list[dict[str, object]]:
    pooled = [{"a_base": a_base, "normalise": n} for a_base in ("max", "variance", "learned") for n in ("max", "none")]
    flat = {"entry": "flatten", "depth": 28}
    return [{}, *pooled, flat, {**flat, "normalise": "zscore"}, {"edges": "max", "num_heads": 1, "variance": "between"}]


@pytest.mark.parametrize("arguments", settings(), ids=str)
def test_logits_of_any_two_rows_are_proportional(arguments: dict[str, object]) -> None:
    logits = DASPaperSampler(num_slices=14, **arguments).logits(torch.rand(3, 1, 8, 8, 28)).double()

    cosine = torch.nn.functional.cosine_similarity(logits[:, :, None], logits[:, None, :], dim=3)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))
    assert torch.linalg.matrix_rank(logits, rtol=1e-5).tolist() == [1, 1, 1]


@pytest.mark.parametrize("arguments", settings(), ids=str)
def test_without_noise_all_rows_choose_one_slice(arguments: dict[str, object]) -> None:
    selection = DASPaperSampler(num_slices=14, **arguments).eval()(torch.rand(3, 1, 8, 8, 28))

    assert selection.kept.all()
    assert (selection.indices == selection.indices[:, :1]).all()


@pytest.mark.parametrize("training", [False, True])
def test_with_noise_on_flat_logits_rows_are_independent_draws(training: bool) -> None:
    sampler = DASPaperSampler(num_slices=14, noise_at_eval=True).train(training)

    indices = sampler(EMPTY).indices

    distinct = (indices[:, :, None] == torch.arange(28)).any(dim=1).sum(dim=1).float().mean()
    assert abs(distinct - 11.2) < 0.3


def test_it_is_not_mended_rows_repeat_and_are_unordered() -> None:
    indices = DASPaperSampler(num_slices=14, noise_at_eval=True).eval()(EMPTY[:50]).indices

    steps = indices.diff(dim=1)
    assert (steps == 0).any()
    assert (steps < 0).any()


@pytest.mark.parametrize("training", [False, True])
def test_without_repeats_no_slice_is_chosen_twice(training: bool) -> None:
    sampler = DASPaperSampler(num_slices=14, noise_at_eval=True, repeats=False).train(training)

    selection = sampler(torch.rand(50, 1, 8, 8, 28), torch.tensor([28, 14, 9, 20, 1] * 10))

    for indices, kept, length in zip(selection.indices, selection.kept, [28, 14, 9, 20, 1] * 10, strict=True):
        chosen = indices[kept].tolist()
        assert len(set(chosen)) == len(chosen) == min(14, length)
        assert max(chosen) < length


def test_without_repeats_and_noise_the_rows_are_the_ranking() -> None:
    selection = DASPaperSampler(num_slices=5, repeats=False).eval()(torch.rand(3, 1, 8, 8, 28))

    assert torch.equal(selection.indices, selection.scores.argsort(dim=1, descending=True)[:, :5])


def test_without_repeats_the_softmax_leaves_out_what_rows_before_it_chose() -> None:
    sampler = DASPaperSampler(num_slices=6, repeats=False).train()

    weights = sampler(torch.rand(3, 1, 8, 8, 6)).weights

    slopes = [
        torch.autograd.grad(weights[:, row].square().sum(), list(sampler.heads.parameters()), retain_graph=True)
        for row in (0, 5)
    ]
    assert max(float(slope.abs().max()) for slope in slopes[0]) > 0.0
    # nothing is left to choose from for the last of as many rows as slices
    assert max(float(slope.abs().max()) for slope in slopes[1]) == 0.0


def test_learning_cannot_reorder_the_slices() -> None:
    volume = torch.rand(4, 1, 8, 8, 28) * torch.rand(28)
    sampler = DASPaperSampler(num_slices=3).eval()
    before = sampler(volume).scores

    with torch.no_grad():
        for parameter in sampler.parameters():
            parameter.add_(torch.randn_like(parameter))

    after = sampler(volume).scores
    assert not torch.equal(before, after)
    assert torch.equal(before.argsort(dim=1), after.argsort(dim=1))
    assert torch.equal(after.argmax(dim=1), volume.var(dim=(1, 2, 3)).argmax(dim=1))


def test_logits_are_the_base_score_times_the_mean_of_the_heads() -> None:
    sampler = DASPaperSampler(num_slices=5, a_base="max")
    volume = torch.rand(2, 1, 8, 8, 9)

    features, variance = sampler.features(volume, torch.tensor([9, 9]))
    pooled = features.mean(dim=1)
    heads = torch.stack([torch.nn.functional.softplus(head(pooled)) for head in sampler.heads])
    base = variance[:, :, 0] / variance[:, :, 0].amax(dim=1, keepdim=True)

    torch.testing.assert_close(sampler.logits(volume), (heads[:, :, :, None] * base[:, None, :]).mean(dim=0))


def test_the_temperature_is_within_half_and_three_halves_of_its_base_and_adapts() -> None:
    sampler = DASPaperSampler(num_slices=5, normalise="none", temperature=2.0)
    volume = torch.rand(3, 1, 8, 8, 9) * torch.tensor([1.0, 10.0, 100.0])[:, None, None, None, None]

    tau = sampler.attend(volume, torch.tensor([9, 9, 9]))[1]

    assert tau.shape == (3, 1)
    assert tau.unique().numel() == 3
    assert (tau >= 1.0).all()
    assert (tau <= 3.0).all()


def test_every_parameter_gets_a_gradient_through_the_straight_through_rows() -> None:
    sampler = DASPaperSampler(num_slices=5, a_base="learned").train()

    selection = sampler(torch.rand(4, 1, 8, 8, 9))
    (selection.weights * torch.randn(9)).sum().backward()

    assert all(p.grad is not None and p.grad.isfinite().all() for p in sampler.parameters())
    assert sampler.heat[-1].weight.grad.abs().sum() > 0


def test_short_cases_keep_as_many_rows_as_slices() -> None:
    selection = DASPaperSampler(num_slices=5).eval()(torch.rand(2, 1, 8, 8, 9), torch.tensor([9, 2]))

    assert selection.kept.tolist() == [[True] * 5, [True, True, False, False, False]]
    assert selection.weights.sum(dim=2).tolist() == [[1.0] * 5, [1.0, 1.0, 0.0, 0.0, 0.0]]


def test_a_fraction_takes_the_first_outputs_of_the_heads() -> None:
    sampler = DASPaperSampler(fraction=0.5, max_slices=16).eval()

    assert sampler(torch.rand(1, 1, 8, 8, 28)).indices.shape == (1, 14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a_base": "mean"}, "a_base must be one of zscore, max, variance, learned, got 'mean'"),
        ({"entry": "mean"}, "entry must be one of pool, flatten, got 'mean'"),
        ({"num_slices": None, "fraction": 0.5}, "fraction needs max_slices, .* got fraction=0.5"),
        ({"normalise": "zscore"}, "leaves a mean of 0 to entry='pool'; use 'max', 'none' or 'flatten'"),
        ({"entry": "flatten"}, "depth goes with entry='flatten', and only with it, got entry='flatten' and depth=None"),
        ({"depth": 28}, "got entry='pool' and depth=28"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DASPaperSampler(**{"num_slices": 4, **arguments})


def test_more_rows_than_outputs_are_refused() -> None:
    sampler = DASPaperSampler(num_slices=4)
    sampler.num_slices = 6

    with pytest.raises(ValueError, match="a budget of 6 rows exceeds max_slices=4; give a larger max_slices"):
        sampler(torch.rand(1, 1, 8, 8, 28))


def test_flatten_refuses_another_depth() -> None:
    sampler = DASPaperSampler(num_slices=4, entry="flatten", depth=28)

    with pytest.raises(ValueError, match="entry='flatten' is for depth=28, got 20 slices; use 'pool'"):
        sampler(torch.rand(1, 1, 8, 8, 20))
