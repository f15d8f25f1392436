import pytest
import torch
from monai.data import decollate_batch

from monai_das.samplers import Selection, take_slices
from monai_das.samplers.selection import (
    detached,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    select_top,
    slice_mask,
    without_padding,
)


def selection_of(indices: list[list[int]], kept: list[list[bool]], depth: int) -> Selection:
    rows, real = torch.tensor(indices), torch.tensor(kept)
    return new_selection(one_hot_rows(rows, real, depth), rows, real, torch.zeros(len(indices), depth))


def test_the_real_slices_are_those_of_the_lengths() -> None:
    scores = torch.zeros(3, 5)

    assert real_slices(scores, None).tolist() == [5, 5, 5]
    assert real_slices(scores, torch.tensor([5, 3, 1], dtype=torch.int32)).tolist() == [5, 3, 1]


def test_the_mask_is_true_for_the_real_slices() -> None:
    assert slice_mask(torch.tensor([3, 1]), 3).tolist() == [[True, True, True], [True, False, False]]


def test_the_highest_keys_are_taken_in_the_order_of_the_slices() -> None:
    keys = torch.tensor([[0.1, 0.9, 0.3, 0.8], [4.0, 3.0, 2.0, 1.0]])

    indices, kept = select_top(keys, torch.tensor([2, 2]), 2, torch.tensor([4, 4]))

    assert indices.tolist() == [[1, 3], [0, 1]]
    assert kept.all()


def test_a_case_may_keep_fewer_rows_than_there_are() -> None:
    keys = torch.tensor([[0.1, 0.9, 0.3, 0.8]])

    indices, kept = select_top(keys, torch.tensor([1]), 3, torch.tensor([4]))

    assert indices.tolist() == [[1, 3, 3]]
    assert kept.tolist() == [[True, False, False]]


def test_padded_scores_are_below_all_others_and_finite() -> None:
    scores = without_padding(torch.tensor([[1.0, -1e30, 5.0]], dtype=torch.float64), torch.tensor([2]))

    assert scores.dtype == torch.float32
    assert scores.tolist() == [[1.0, pytest.approx(-1e30), pytest.approx(lowest())]]
    assert scores.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int16])
def test_slices_are_taken_by_index_in_their_own_type(dtype: torch.dtype) -> None:
    volume = (100 * torch.rand(2, 3, 4, 5, 6)).to(dtype)
    selection = selection_of([[0, 4, 4], [1, 2, 5]], [[True, True, False], [True] * 3], 6)

    slices = take_slices(volume, selection)

    assert slices.dtype == dtype
    assert torch.equal(slices[0], volume[0][..., [0, 4, 4]])
    assert torch.equal(slices[1], volume[1][..., [1, 2, 5]])


def test_a_matrix_with_a_gradient_gets_that_of_the_product() -> None:
    volume = torch.rand(2, 1, 4, 4, 6)
    selection = selection_of([[0, 4], [1, 2]], [[True] * 2] * 2, 6)
    weights = selection.weights.clone().requires_grad_()

    slices = take_slices(volume, selection._replace(weights=weights))
    slices.square().sum().backward()

    assert torch.equal(slices.detach(), take_slices(volume, selection))
    product = torch.einsum("bchwk,bchwd->bkd", 2.0 * slices.detach(), volume)
    torch.testing.assert_close(weights.grad, product)


def test_what_a_method_does_not_have_is_zero() -> None:
    selection = selection_of([[0, 4], [1, 2]], [[True] * 2] * 2, 6)

    assert selection.inclusion.shape == (2, 6)
    assert selection.log_prob.shape == selection.penalty.shape == (2,)
    assert not any(part.any() for part in (selection.inclusion, selection.log_prob, selection.penalty))


def test_a_detached_selection_has_the_same_values_and_no_graph() -> None:
    selection = selection_of([[0, 4], [1, 2]], [[True] * 2] * 2, 6)
    numbers = {
        name: torch.rand_like(part, requires_grad=True) for name, part in fields(selection) if part.is_floating_point()
    }

    alone = detached(selection._replace(**numbers))

    assert not any(part.requires_grad for part in alone)
    for name, part in fields(alone):
        assert torch.equal(part, numbers.get(name, part))


def fields(selection: Selection) -> list[tuple[str, torch.Tensor]]:
    return list(selection._asdict().items())


def test_decollation_takes_a_selection_apart_case_by_case() -> None:
    selection = selection_of([[0, 4], [1, 2]], [[True, False], [True] * 2], 6)

    cases = decollate_batch({"selection": selection._asdict()})

    assert [case["selection"]["indices"].tolist() for case in cases] == [[0, 4], [1, 2]]
    assert [case["selection"]["kept"].tolist() for case in cases] == [[True, False], [True, True]]
    assert all(list(case["selection"]) == list(Selection._fields) for case in cases)
