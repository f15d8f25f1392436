import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmarks.commands import main
from benchmarks.statistics import RunTables
from benchmarks.studies.choice import Choice, as_many, chosen_slices, deletion_samples, report_of, stability
from monai_das.networks import DASSliceClassifier
from monai_das.samplers import DASCentreSampler, DASTopVarianceSampler


class Mean(nn.Module):
    num_features = 1

    def forward(self, image: Tensor) -> Tensor:
        return image.mean(dim=(2, 3))


def network(sampler) -> DASSliceClassifier:
    return DASSliceClassifier(sampler, Mean(), 2, thumbnail_size=8).eval()


def striped(*loud: int) -> Tensor:
    images = 0.01 * torch.rand(1, 1, 8, 8, 10)
    images[..., list(loud)] += torch.rand(8, 8, len(loud))
    return images


def test_the_command_judges_every_trained_sampler(write_grid, masks, tmp_path, capsys):
    grid = write_grid(methods=["das", "top_variance", "full"])
    places = ["--grid", str(grid), "--data", str(masks), "--weights", str(tmp_path / "weights")]
    assert main(["table", *places, "--results", str(tmp_path / "runs.jsonl")]) == 0
    capsys.readouterr()

    code = main(["choice", *places])

    *table, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    assert code == 0
    assert [line.split(" | ")[2] for line in table[2:]] == ["das", "top_variance"]
    assert [each["method"] for each in figures] == ["das", "top_variance"]
    assert figures[0]["whole"] == figures[1]["whole"]
    assert all(0.0 <= each["stability"] <= 1.0 for each in figures)
    assert len(list((tmp_path / "weights").iterdir())) == 3


def test_weights_that_are_not_there_exit_with_2(write_grid, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["choice", "--grid", str(write_grid()), "--weights", str(tmp_path)])

    assert exit_.value.code == 2
    assert "has no weights of a sampler of" in capsys.readouterr().err


def test_a_choice_by_content_follows_a_shift_and_a_fixed_one_does_not():
    images = striped(3, 6)
    by_content, fixed = network(DASTopVarianceSampler(num_slices=2)), network(DASCentreSampler(num_slices=2))

    assert stability(by_content, images, chosen_slices(by_content, images)).tolist() == [1.0]
    assert stability(fixed, images, chosen_slices(fixed, images)).tolist() == [0.5]


def test_random_slices_are_as_many_as_the_chosen_ones_of_each_case():
    chosen = torch.zeros(200, 10, dtype=torch.bool)
    chosen[:100, :3] = chosen[100:, 9] = True

    drawn = as_many(chosen)

    assert drawn.sum(dim=1).tolist() == [3] * 100 + [1] * 100
    assert (drawn.sum(dim=0) > 20).all()
    assert as_many(chosen, torch.full((200,), 4))[:, 4:].sum().item() == 0


def choice_of_fold(fold, without_chosen):
    labels = np.array([0, 1] * 20)
    right = np.stack((1.0 - labels, labels), axis=1) * 0.8 + 0.1
    tables = {"whole": right, "without_chosen": without_chosen(right), "without_random": right}
    return Choice(RunTables(tables, labels, 0, fold), 0.25)


def test_the_difference_is_that_of_the_two_deletions():
    choice = choice_of_fold(0, lambda right: np.full_like(right, 0.5))

    assert deletion_samples([choice.judged], 50).tolist() == [0.5] * 50
    row = report_of({("set", 0.25, "das"): [choice]}, 50).splitlines()[2]
    assert row == "| set | 25.0% | das | 1 | 1.000 | 0.500 | 1.000 | +0.500 (+0.500 to +0.500) | 0.25 |"


def test_of_folds_the_mean_is_told():
    choices = [choice_of_fold(0, lambda right: np.full_like(right, 0.5)), choice_of_fold(1, lambda right: 1.0 - right)]

    row = report_of({("set", 0.25, "das"): choices}, 50).splitlines()[2]

    assert row == "| set | 25.0% | das | 1 | 1.000 | 0.250 | 1.000 | +0.750 (+0.750 to +0.750) | 0.25 |"
