import pytest
import torch

from monai_das.samplers import PGADPSSampler, sampler_param_groups
from tests.samplers.test_adps import pointing_volumes


def test_what_the_prior_slice_shows_decides_the_group() -> None:
    sampler = PGADPSSampler(num_slices=2, prior_share=0.5, group_share=0.5, depth=6)
    optimizer = torch.optim.Adam(sampler_param_groups(sampler, 0.002))

    for _ in range(200):
        volume, wanted = pointing_volumes(64)
        loss = -(sampler.train()(volume).weights * wanted[:, None]).sum(dim=(1, 2)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    volume, wanted = pointing_volumes(64)
    chosen = sampler.eval()(volume).weights.sum(dim=1)

    assert (chosen == wanted).all(dim=1).float().mean() > 0.95


@pytest.mark.parametrize(
    ("prior", "group", "ends"),
    [(0.6, 0.2, [600, 800, 1000]), (0.3, 0.3, [300, 600, 900, 1000]), (0.0, 0.5, [0, 500, 1000]), (1.0, 0.5, [1000])],
)
def test_groups_fill_the_budget(prior: float, group: float, ends: list[int]) -> None:
    assert PGADPSSampler(num_slices=10, prior_share=prior, group_share=group).ends == ends


def test_without_groups_all_cases_get_the_prior_slices() -> None:
    sampler = PGADPSSampler(num_slices=4, prior_share=1.0, depth=12).eval()

    indices = sampler(torch.randn(8, 1, 8, 8, 12)).indices

    assert (indices == indices[0]).all()
    assert torch.equal(indices[0], sampler.prior.logits.topk(4).indices.sort().values)


def test_gradients_reach_prior_and_groups_in_the_rows_of_their_slices() -> None:
    sampler = PGADPSSampler(num_slices=5, prior_share=0.4, group_share=0.3, depth=12).train()

    selection = sampler(torch.rand(4, 1, 8, 8, 12))
    (selection.weights * torch.randn(12)).sum().backward()

    assert set(selection.weights.unique().tolist()) == {0.0, 1.0}
    assert sampler.prior.logits.grad.abs().sum() > 0
    assert sampler.reader.mix[0].weight.grad.abs().sum() > 0


def test_the_prior_learns_at_ten_times_the_rate() -> None:
    groups = sampler_param_groups(PGADPSSampler(num_slices=4), 0.001)

    assert sorted(group["lr"] for group in groups) == [0.001, 0.01]


@pytest.mark.parametrize("wrong", [{"prior_share": 1.5}, {"prior_share": -0.1}, {"group_share": 0.0}])
def test_impossible_shares_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"prior_share must be in \[0, 1\] and group_share in \(0, 1\], got prior"):
        PGADPSSampler(num_slices=4, **wrong)
