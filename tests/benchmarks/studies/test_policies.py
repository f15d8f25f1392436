import json

import pytest
import torch

from benchmarks.commands import main
from benchmarks.studies.policies import of_another, only
from monai_das.samplers import DASTopVarianceSampler


def test_the_command_compares_the_choice_with_those_of_others(write_grid, masks, tmp_path, capsys):
    grid = write_grid(methods=["das"])
    places = ["--grid", str(grid), "--data", str(masks), "--weights", str(tmp_path / "weights")]
    assert main(["table", *places, "--results", str(tmp_path / "runs.jsonl")]) == 0
    swept = json.loads((tmp_path / "runs.jsonl").read_text())["test"]["auc"]
    capsys.readouterr()

    code = main(["policies", *places])

    *table, last = capsys.readouterr().out.splitlines()
    figures = {each["policy"]: each["auc"] for each in json.loads(last)}
    assert code == 0
    assert len(table) == 2 + 6
    assert list(figures) == [
        "of the case itself",
        "another case",
        "the training set",
        "of the case itself, half the budget",
        "of the case itself, half the budget where sure",
        "of the case itself, twice the budget",
    ]
    assert figures["of the case itself"] == pytest.approx(swept, abs=1e-4)


def test_weights_that_are_not_there_exit_with_2(write_grid, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["policies", "--grid", str(write_grid()), "--weights", str(tmp_path)])

    assert exit_.value.code == 2
    assert "has no weights of 'das' of" in capsys.readouterr().err


def test_slices_beyond_the_end_of_a_shorter_clip_are_not_kept():
    lengths = torch.tensor([6, 2])
    selection = DASTopVarianceSampler(num_slices=2)(torch.rand(2, 1, 8, 8, 6) * torch.arange(6), lengths)

    swapped, fixed = of_another(selection), only(torch.tensor([1, 4]), selection)

    assert selection.indices.tolist() == [[4, 5], [0, 1]]
    assert swapped.kept.tolist() == [[True, True], [False, False]]
    assert fixed.kept.tolist() == [[True, True], [True, False]]
    assert fixed.weights[1].sum().item() == 1.0


def test_policies_change_the_slices_and_keep_the_scores():
    selection = DASTopVarianceSampler(num_slices=2)(torch.rand(3, 1, 8, 8, 6))

    swapped, fixed = of_another(selection), only(torch.tensor([1, 4]), selection)

    assert torch.equal(swapped.indices[1], selection.indices[0])
    assert fixed.indices.tolist() == [[1, 4]] * 3
    assert fixed.weights.argmax(dim=2).tolist() == [[1, 4]] * 3
    assert torch.equal(swapped.scores, selection.scores)
    assert torch.equal(fixed.scores, selection.scores)
