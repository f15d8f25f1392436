import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_das.samplers import ADPSSampler, DPSSampler, sampler_param_groups


def network_with(sampler: nn.Module) -> nn.Module:
    return nn.ModuleDict({"sampler": sampler, "head": nn.Linear(3, 2)})


def test_the_logits_of_dps_learn_ten_times_as_fast() -> None:
    network = network_with(DPSSampler(num_slices=2))

    groups = sampler_param_groups(network, 0.01)

    assert [group["lr"] for group in groups] == pytest.approx([0.1, 0.01])
    assert groups[0]["params"][0] is network["sampler"].logits


def test_each_parameter_is_in_one_group_even_if_shared() -> None:
    network = network_with(DPSSampler(num_slices=2))
    network["again"] = network["sampler"]
    network["head again"] = network["head"]

    groups = sampler_param_groups(network, 0.01)

    assert len(groups) == 2
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
    torch.optim.AdamW(groups)


@pytest.mark.parametrize("sampler", [ADPSSampler(num_slices=2), nn.Identity()], ids=lambda s: type(s).__name__)
def test_equal_rates_share_a_group(sampler: nn.Module) -> None:
    groups = sampler_param_groups(network_with(sampler), 0.01)

    assert [group["lr"] for group in groups] == [0.01]


def test_an_inner_sampler_decides_for_itself() -> None:
    outer = ADPSSampler(num_slices=2)
    outer.inner = DPSSampler(num_slices=2)

    rates = {id(p): group["lr"] for group in sampler_param_groups(outer, 0.01) for p in group["params"]}

    assert rates[id(outer.inner.logits)] == pytest.approx(0.1)
    assert rates[id(outer.memory.weight_hh)] == 0.01


def test_a_config_can_ask_for_the_groups() -> None:
    config = {
        "network": {"_target_": "monai_das.samplers.DPSSampler", "num_slices": 2},
        "learning_rate": 0.002,
        "optimizer": {
            "_target_": "torch.optim.Adam",
            "params": "$monai_das.samplers.sampler_param_groups(@network, @learning_rate)",
        },
    }
    parser = ConfigParser(config, globals={"monai_das": "monai_das"})

    optimizer = parser.get_parsed_content("optimizer")

    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.02)
