import json

import pytest
import torch

from benchmarks.commands import main
from benchmarks.studies.cost import cube_cost, seconds_in_turn, slices_of, study_cost


def test_slices_lie_in_memory_as_channels_last_and_in_order():
    volume = torch.rand(2, 1, 5, 6, 7)

    slices = slices_of(volume)

    assert slices.stride() == (30, 1, 6, 1)
    assert torch.equal(slices[9, 0], volume[1, 0, :, :, 2])


def test_functions_are_timed_in_turn():
    calls = []

    first, second = seconds_in_turn([lambda: calls.append("a"), lambda: calls.append("b")], rounds=2)

    assert "".join(calls) == "ababab"
    assert min(first, second) > 0.0


@torch.no_grad()
def test_choosing_costs_less_than_classifying_all_slices():
    choosing, classifying = cube_cost(64, batch=2, rounds=3)

    assert choosing < 0.5 * classifying
    assert study_cost(rounds=1) < 3.0


@pytest.mark.parametrize(("choosing", "study", "code"), [(0.01, 0.1, 0), (0.09, 0.1, 1), (0.01, 0.4, 1)])
def test_a_broken_promise_is_an_exit_code(choosing, study, code, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.studies.cost.cube_cost", lambda size, batch, rounds: (choosing, 1.0))
    monkeypatch.setattr("benchmarks.studies.cost.study_cost", lambda rounds: study)

    assert main(["cost"]) == code

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["share"]["64x16"] == choosing
