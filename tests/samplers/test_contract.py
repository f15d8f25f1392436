"""What every sampler promises. A new method is picked up from ``monai_das.samplers.__all__`` by itself."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from monai_das import samplers
from monai_das.samplers import Sampler, Selection, take_slices
from monai_das.samplers.selection import lowest

Make = Callable[..., Sampler]
Equal = Callable[[Selection, Selection], None]

KEEPS_ALL = {"DASFullSampler"}  # k is D, whatever the budget says
MAY_REPEAT = {"DASPaperSampler"}  # draws with replacement and in no order, as printed
BLENDS = {"PerturbedTopKSampler"}  # rows are expectations in training: blends of slices, as in its source
WIDE = {"DASAttentionMILSampler"}  # keeps all slices in training, and is cut to k afterwards

both_modes = pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])


def subclasses(parent: type[Sampler]) -> Iterator[type[Sampler]]:
    for child in parent.__subclasses__():
        yield child
        yield from subclasses(child)


def kept_counts(method: type[Sampler], lengths: list[int], num_slices: int, training: bool = False) -> list[int]:
    all_slices = method.__name__ in KEEPS_ALL or (training and method.__name__ in WIDE)
    return [length if all_slices else min(num_slices, length) for length in lengths]


def loss_of(selection: Selection, volume: Tensor) -> Tensor:
    """Touch all by which a gradient may reach a sampler: slices, scores, penalty and log-probability."""
    slices = take_slices(volume, selection).float()
    gate = torch.softmax(torch.gather(selection.scores, 1, selection.indices), dim=1)
    loss = (torch.asinh(slices).mean(dim=(1, 2, 3)) * gate).sum() + torch.asinh(slices).square().mean()
    return loss + selection.penalty.sum() + selection.log_prob.sum()


def test_every_method_is_public_and_final() -> None:
    public = {getattr(samplers, name) for name in samplers.__all__}
    ours = {child for child in subclasses(Sampler) if child.__module__.startswith("monai_das.")}

    assert ours <= public
    assert all(each.__mro__[1] is Sampler for each in ours)


@both_modes
def test_shapes_and_dtypes(method: type[Sampler], make: Make, training: bool) -> None:
    thumbnails = torch.rand(3, 2, 12, 10, 9)

    selection = make().train(training)(thumbnails)

    k = kept_counts(method, [9], 4, training)[0]
    assert selection.weights.shape == (3, k, 9)
    assert selection.weights.dtype == selection.scores.dtype == torch.float32
    assert selection.indices.shape == selection.kept.shape == (3, k)
    assert selection.indices.dtype == torch.int64
    assert selection.kept.dtype == torch.bool
    assert selection.kept.all()
    assert selection.scores.shape == selection.inclusion.shape == (3, 9)
    assert selection.log_prob.shape == selection.penalty.shape == (3,)
    assert all(part.dtype == torch.float32 for part in (selection.inclusion, selection.log_prob, selection.penalty))


@both_modes
def test_rows_are_real_distinct_ascending_and_masked(method: type[Sampler], make: Make, training: bool) -> None:
    lengths = [9, 5, 4, 2, 1]
    thumbnails = torch.rand(5, 1, 8, 8, 9)

    selection = make().train(training)(thumbnails, torch.tensor(lengths))

    assert selection.kept.sum(dim=1).tolist() == kept_counts(method, lengths, 4, training)
    for row, kept, length in zip(selection.indices, selection.kept, lengths, strict=True):
        chosen = row[kept].tolist()
        assert max(chosen) < length
        assert (row[~kept] == length - 1).all()
        assert method.__name__ in MAY_REPEAT or chosen == sorted(set(chosen))
    sums = selection.weights.sum(dim=2)
    torch.testing.assert_close(sums, selection.kept.float())
    if not (training and method.__name__ in BLENDS):
        assert (selection.weights.argmax(dim=2) == selection.indices)[selection.kept].all()


@both_modes
def test_padded_slices_are_never_chosen(make: Make, training: bool) -> None:
    thumbnails = torch.rand(2, 1, 8, 8, 9)
    thumbnails[1, ..., 5:] = 1000.0 * torch.rand(1, 8, 8, 4)

    selection = make().train(training)(thumbnails, torch.tensor([9, 5]))

    assert (selection.weights[1, :, 5:] == 0).all()
    assert (selection.scores[1, 5:] == lowest()).all()
    assert (selection.scores[1, :5] > lowest()).all()
    assert selection.scores.isfinite().all()


@pytest.mark.parametrize("budget", [{"num_slices": 4}, {"num_slices": None, "fraction": 0.4}], ids=str)
def test_a_case_alone_is_chosen_as_in_a_padded_batch(make: Make, budget: dict[str, float]) -> None:
    sampler = make(**budget)
    thumbnails = torch.rand(2, 1, 8, 8, 12)

    batch = sampler(thumbnails, torch.tensor([12, 7]))
    alone = sampler(thumbnails[1:, ..., :7])

    kept = int(alone.kept.sum())
    assert int(batch.kept[1].sum()) == kept
    assert batch.indices[1, :kept].tolist() == alone.indices[0, :kept].tolist()
    torch.testing.assert_close(batch.scores[1, :7], alone.scores[0])


@both_modes
def test_fewer_slices_than_the_budget_are_all_kept(method: type[Sampler], make: Make, training: bool) -> None:
    selection = make().train(training)(torch.rand(2, 1, 8, 8, 3))

    assert selection.kept.sum(dim=1).tolist() == [3, 3]
    if method.__name__ not in MAY_REPEAT:
        assert selection.indices[0, :3].tolist() == [0, 1, 2]
    assert selection.weights.isfinite().all()


@pytest.mark.parametrize(("fraction", "counts"), [(0.5, [5, 3, 1]), (0.1, [1, 1, 1]), (0.35, [3, 2, 1])])
def test_fraction_is_rounded_half_up_per_case(
    method: type[Sampler], make: Make, fraction: float, counts: list[int]
) -> None:
    lengths = [9, 5, 1]
    sampler = make(None, fraction)

    selection = sampler(torch.rand(3, 1, 8, 8, 9), torch.tensor(lengths))

    assert selection.kept.sum(dim=1).tolist() == (lengths if method.__name__ in KEEPS_ALL else counts)


def test_eval_repeats_itself_and_takes_by_index(make: Make, assert_equal: Equal) -> None:
    sampler = make()
    volume = torch.rand(2, 1, 8, 8, 9)

    one, two = sampler(volume), sampler(volume)

    assert_equal(one, two)
    assert not one.weights.requires_grad
    by_matrix = torch.einsum("bkd,bchwd->bchwk", one.weights, volume)
    assert torch.equal(take_slices(volume, one), by_matrix)


def test_train_mode_takes_whole_slices(method: type[Sampler], make: Make) -> None:
    volume = torch.rand(2, 1, 8, 8, 9)

    selection = make().train()(volume)

    index = selection.indices[:, None, None, None, :].expand(-1, 1, 8, 8, -1)
    if method.__name__ in BLENDS:
        by_matrix = torch.einsum("bkd,bchwd->bchwk", selection.weights, volume)
        torch.testing.assert_close(take_slices(volume, selection), by_matrix)
        return
    torch.testing.assert_close(take_slices(volume, selection), torch.gather(volume, 4, index))


def assert_finite_gradients(sampler: Sampler, thumbnails: Tensor) -> None:
    lengths = torch.tensor([9, 3])

    with torch.autocast(thumbnails.device.type, dtype=torch.bfloat16):
        selection = sampler.train()(thumbnails, lengths)
        loss = loss_of(selection, thumbnails)
    trainable = list(sampler.parameters())
    if trainable:
        loss.backward()

    assert loss.isfinite()
    assert selection.scores.isfinite().all()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in trainable)
    assert not trainable or any(p.grad is not None and p.grad.abs().sum() > 0 for p in trainable)


def test_gradients_are_finite_under_autocast(make: Make) -> None:
    assert_finite_gradients(make(), torch.rand(2, 1, 8, 8, 9))


def test_gradients_are_finite_with_hounsfield_units_in_half_precision(make: Make) -> None:
    assert_finite_gradients(make(), (6000.0 * torch.rand(2, 1, 8, 8, 9) - 3000.0).half())


@both_modes
def test_empty_volumes_are_no_trouble(make: Make, training: bool) -> None:
    selection = make().train(training)(torch.full((2, 1, 8, 8, 9), -1000.0))

    assert selection.kept.all()
    assert selection.scores.isfinite().all()


def test_widening_stretches_the_budget_to_all_slices_in_training_only(method: type[Sampler], make: Make) -> None:
    sampler = make()
    sampler.widening = 1.0
    thumbnails = torch.rand(2, 1, 8, 8, 9)

    wide = sampler.train()(thumbnails, torch.tensor([9, 6]))
    narrow = sampler.eval()(thumbnails, torch.tensor([9, 6]))

    assert wide.kept.sum(dim=1).tolist() == [9, 6]
    assert narrow.kept.sum(dim=1).tolist() == kept_counts(method, [9, 6], 4)


def test_the_budget_may_change_after_training(method: type[Sampler], make: Make) -> None:
    sampler = make()
    sampler.num_slices = 2

    selection = sampler(torch.rand(2, 1, 8, 8, 9))

    assert selection.kept.sum(dim=1).tolist() == kept_counts(method, [9, 9], 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_precisions_choose_the_same(make: Make, assert_equal: Equal, dtype: torch.dtype) -> None:
    sampler = make()
    thumbnails = torch.rand(2, 1, 8, 8, 9).half()

    selection = sampler(thumbnails.to(dtype))

    assert_equal(selection, sampler(thumbnails.float()))


def test_the_state_dict_carries_the_choice(make: Make, assert_equal: Equal) -> None:
    trained, fresh = make(), make()
    thumbnails = torch.rand(2, 1, 8, 8, 9)

    fresh.load_state_dict(trained.state_dict())

    assert_equal(fresh(thumbnails), trained(thumbnails))


def test_a_missing_batch_axis_says_how_to_add_it(make: Make) -> None:
    with pytest.raises(ValueError, match=r"must be \(B, C, h, w, D\), got .*add a batch axis: thumbnails\[None\]"):
        make()(torch.rand(1, 8, 8, 9))


@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="needs CUDA")
def test_cuda_chooses_the_same_and_has_finite_gradients(make: Make) -> None:
    sampler = make()
    thumbnails = torch.rand(2, 1, 8, 8, 9)
    wanted = sampler(thumbnails)

    sampler.to("cuda")

    assert torch.equal(sampler(thumbnails.cuda()).indices.cpu(), wanted.indices)
    assert_finite_gradients(sampler, (6000.0 * thumbnails - 3000.0).half().cuda())
