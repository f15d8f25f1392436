import json

import pytest
import torch

from benchmarks.commands import main
from benchmarks.studies import cost


@pytest.fixture(scope="module")
def report():
    """The study of cubes of 28 voxels, one round, without the 3-D networks, which do not take them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "runtime_speedups", lambda rounds: {"onnx": 1.0})
        patch.setattr(cost, "RIVALS", ("DASUniformSampler",))
        return cost.run_cost(["28"], rounds=1)[0]


def test_functions_are_timed_in_turn():
    calls = []

    first, second = cost.seconds_in_turn([lambda: calls.append("a"), lambda: calls.append("b")], rounds=2)

    assert "".join(calls) == "ababab"
    assert min(*first, *second) > 0.0
    assert len(first) == len(second) == 2


def test_the_last_line_has_the_figures(report):
    figures = json.loads(report.splitlines()[-1])

    assert list(figures["speedup_full"]["28"]) == ["100", "50", "25", "12.5", "6.25"]
    assert figures["speedup_full"]["28"]["100"] == 1.0
    assert figures["speedup_densenet121"] == {}
    assert 0.0 < figures["sampler_share"]["28"] < 1.0
    assert 0.0 < figures["sampler_share_one"]["28"] < 1.0
    assert figures["runtime_speedup"] == {"onnx": 1.0}


def test_the_tables_have_every_arm_and_both_backbones(report):
    assert "**28 x 28 x 28, MobileNetV3-Small**" in report
    assert "**28 x 28 x 28, ResNet of the bundle**" in report
    for arm in ("all slices", "DASSampler, 6.25 %", "DASUniformSampler 25"):
        assert f"| {arm} |" in report


def test_3d_networks_are_timed_where_they_take_the_size(monkeypatch):
    monkeypatch.setitem(cost.SIZES, "64", (32, 32, 32))
    arms = cost.arms_of("64", "MobileNetV3-Small")
    assert [name for name in arms if "3-D" in name] == ["DenseNet121 3-D", "ResNet-18 3-D"]
    assert not [name for name in cost.arms_of("ct", "MobileNetV3-Small") if "3-D" in name]


def test_multiply_adds_are_those_of_the_convolution():
    convolution = torch.nn.Conv2d(2, 3, 3, padding=1, bias=False)
    assert cost.multiply_adds(convolution, torch.rand(1, 2, 5, 7)) == 5 * 7 * 2 * 3 * 9


@torch.no_grad()
def test_choosing_costs_less_than_classifying_all_slices():
    # a bound for a machine with other work; the promise is a tenth of it
    one, many = cost.sampler_shares("28", rounds=3)
    assert one < 0.8
    assert many < 0.8


@pytest.mark.parametrize(("ratios", "broken"), [({"onnx": 1.4, "openvino": 1.6}, 0), ({"onnx": 1.4}, 1), ({}, 0)])
def test_the_better_runtime_counts(ratios, broken):
    figures = {"sampler_share_one": {}, **{name: {} for name, _, _ in cost.FASTER}}

    assert len(cost._broken({**figures, "runtime_speedup": {"eager": 0.9, **ratios}})) == broken


@pytest.mark.parametrize(("share", "speed", "code"), [(0.01, 3.0, 0), (0.06, 3.0, 1), (0.01, 2.0, 1)])
def test_a_broken_promise_is_an_exit_code(share, speed, code, monkeypatch, capsys, tmp_path):
    seconds = {percent: speed if percent == "100" else 1.0 for percent in cost.PERCENTS}
    costs = {percent: cost.Cost(each, 0.0, 1.0, 1.0) for percent, each in seconds.items()}
    monkeypatch.setattr(cost, "cost_of", lambda size, arms, rounds: costs)
    monkeypatch.setattr(cost, "arms_of", lambda size, backbone: {})
    monkeypatch.setattr(cost, "sampler_shares", lambda size, rounds: (share, None))
    monkeypatch.setattr(cost, "runtime_speedups", lambda rounds: {})

    assert main(["cost", "--size", "96", "--page", str(tmp_path / "cost.md")]) == code

    page = (tmp_path / "cost.md").read_text()
    assert "```\npython -m benchmarks cost --size 96\n```\n\n**96 x 96 x 96, MobileNetV3-Small**" in page
    assert page.endswith("\nall promises kept\n") == (code == 0)
    assert 'speedup_full"' not in page

    said = capsys.readouterr().out
    assert ("promise broken: " in said) == bool(code)
    assert json.loads(said.splitlines()[-1])["sampler_share_one"]["96"] == share
