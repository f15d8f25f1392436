import torch
from torch import nn

from monai_das.networks.eval_view import eval_view
from tests.networks.taught import taught_network, two_batches


def layers() -> nn.Sequential:
    shared = nn.Linear(4, 4)
    inner = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), shared)
    return nn.Sequential(shared, inner, nn.BatchNorm1d(4)).train()


def test_the_view_answers_as_eval_does_and_the_network_notices_nothing():
    network, batch = layers(), torch.randn(8, 4)
    network(batch)
    statistics = network[2].running_mean.clone()

    seen = eval_view(network)(batch)

    assert all(module.training for module in network.modules())
    assert torch.equal(network[2].running_mean, statistics)
    torch.testing.assert_close(seen, network.eval()(batch))


def test_parameters_and_buffers_are_the_same_objects():
    network = layers()

    view = eval_view(network)

    for mine, theirs in zip(
        network.state_dict(keep_vars=True).values(), view.state_dict(keep_vars=True).values(), strict=True
    ):
        assert mine is theirs


def test_a_shared_layer_is_one_in_the_view_as_well():
    view = eval_view(layers())

    assert view[0] is view[1][2]


def test_parts_in_eval_stay_there_and_missing_ones_are_no_trouble():
    network = layers()
    network[1].eval()
    network.register_module("nothing", None)

    view = eval_view(network)

    assert [module.training for module in network[1].modules()] == [False] * 4
    assert view.nothing is None
    assert not any(module.training for module in view.modules())


def test_gradients_flow_into_the_parameters_of_the_network():
    network = layers()

    eval_view(network)(torch.randn(8, 4)).sum().backward()

    assert network[0].weight.grad is not None


def test_judge_is_eval_without_a_graph_and_leaves_every_mode_alone():
    network, (volume, _) = taught_network(), two_batches()[0]
    network.dropout.p = 0.5
    selection = network(volume).selection
    modes = [module.training for module in network.modules()]

    judged = network.judge(volume, selection)

    assert [module.training for module in network.modules()] == modes
    assert not judged.requires_grad
    assert torch.equal(judged, network.judge(volume, selection))
