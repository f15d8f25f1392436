import pytest
import torch
from torch import Tensor

from monai_das.samplers import ADPSSampler


def pointing_volumes(batch: int) -> tuple[Tensor, Tensor]:
    """Slice 2 of 6 is bright when slice 0 is the one to look at, dark when it is slice 4; all else is noise."""
    bright = torch.randint(0, 2, (batch,))
    volume = 0.1 * torch.randn(batch, 1, 8, 8, 6)
    volume[..., 2] += bright[:, None, None, None]
    wanted = torch.zeros(batch, 6)
    wanted[:, 2] = 1.0
    wanted[torch.arange(batch), torch.where(bright == 1, 0, 4)] = 1.0
    return volume, wanted


def test_what_the_first_slice_shows_decides_the_second() -> None:
    sampler = ADPSSampler(num_slices=2, depth=6, dropout=0.0)
    optimizer = torch.optim.Adam(sampler.parameters(), 0.002)

    for _ in range(150):
        volume, wanted = pointing_volumes(64)
        loss = -(sampler.train()(volume).weights * wanted[:, None]).sum(dim=(1, 2)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    volume, wanted = pointing_volumes(64)
    chosen = sampler.eval()(volume).weights.sum(dim=1)

    assert torch.equal(chosen, wanted)


def test_slices_that_are_not_chosen_have_no_say() -> None:
    sampler = ADPSSampler(num_slices=3, depth=10).eval()
    volume = torch.rand(4, 1, 8, 8, 10)
    selection = sampler(volume)
    unseen = selection.weights.sum(dim=1) == 0

    changed = torch.where(unseen[:, None, None, None, :], 100.0 * torch.randn_like(volume), volume)

    assert torch.equal(sampler(changed).indices, selection.indices)


def test_the_first_slice_does_not_depend_on_the_input() -> None:
    sampler = ADPSSampler(num_slices=1, depth=10).eval()

    indices = sampler(torch.rand(16, 1, 8, 8, 10)).indices

    assert indices.unique().numel() == 1


def test_a_second_slice_depends_on_the_input() -> None:
    sampler = ADPSSampler(num_slices=2, depth=10).eval()
    with torch.no_grad():
        for parameter in (*sampler.decide.parameters(), *sampler.memory.parameters()):
            parameter.mul_(20.0)

    indices = sampler(torch.randn(64, 1, 8, 8, 10) * torch.logspace(-3, 3, 64)[:, None, None, None, None]).indices

    assert len({tuple(row) for row in indices.tolist()}) > 1


def test_gradients_reach_the_reader_through_the_slices_that_were_seen() -> None:
    sampler = ADPSSampler(num_slices=3, depth=10).train()

    selection = sampler(torch.rand(4, 1, 8, 8, 10))
    (selection.weights * torch.randn(10)).sum().backward()

    assert all(p.grad is not None and p.grad.isfinite().all() for p in sampler.parameters())
    assert sampler.reader.mix[0].weight.grad.abs().sum() > 0


def test_scores_are_log_probabilities_of_the_first_step_for_the_first_slice() -> None:
    sampler = ADPSSampler(num_slices=1, depth=10).eval()

    selection = sampler(torch.rand(2, 1, 8, 8, 10))

    torch.testing.assert_close(selection.scores.exp().sum(dim=1), torch.ones(2))
    assert torch.equal(selection.scores.argmax(dim=1), selection.indices[:, 0])


def test_large_thumbnails_are_averaged_before_they_are_read() -> None:
    sampler = ADPSSampler(num_slices=2, depth=10).eval()
    small = torch.rand(1, 1, 32, 32, 10)

    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    torch.testing.assert_close(sampler(large).scores, sampler(small).scores)


def test_impossible_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"temperature must be positive, got -1\.0"):
        ADPSSampler(num_slices=2, temperature=-1.0)
