"""``bundle/configs/lazy_inference.json``: the same answers from the chosen slices alone."""

import csv

import numpy as np
import pytest
import torch

from monai_das.data.nifti.source import NIfTISource
from monai_das.datasets import write_nifti
from monai_das.networks import DASNetwork
from tests.bundle.bundle_runs import workflow

LAZY = "lazy_inference.json"


@pytest.fixture
def settings(bundle, tmp_path):
    random = np.random.RandomState(0)
    for number, shape in enumerate([(64, 64, 20), (128, 192, 30), (64, 128, 3)]):
        values = random.rand(*shape) * random.permutation(shape[2])
        write_nifti(values.astype(np.float32), tmp_path / "input" / f"{number}.nii", (1.0, 1.0, -2.0))
    given = {"bundle_root": str(bundle), "dataset_dir": str(tmp_path / "input"), "num_slices": 4}
    return given | {"ckpt": str(telling_weights(bundle, tmp_path))}


def telling_weights(bundle, folder):
    """Random weights whose batch norms have seen data, so that cases get different answers."""
    network = workflow(bundle, ["inference.json"], {}, "infer").parser.get_parsed_content("network_def")
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand(2, 1, 64, 64, 16))
    torch.save(network.state_dict(), folder / "model.pt")
    return folder / "model.pt"


@pytest.fixture
def calls(monkeypatch):
    """Notes how many slices sources give, and how often a network scores."""
    noted = {"read": [], "score": 0}
    read, score = NIfTISource.read, DASNetwork.score

    def noted_read(self, indices):
        noted["read"].append(len(list(indices)))
        return read(self, indices)

    def noted_score(self, *args):
        noted["score"] += 1
        return score(self, *args)

    monkeypatch.setattr(NIfTISource, "read", noted_read)
    monkeypatch.setattr(DASNetwork, "score", noted_score)
    return noted


def predictions(bundle, files, settings, out):
    run = workflow(bundle, files, settings | {"output_dir": str(out)}, "infer")
    run.initialize()
    run.run()
    run.finalize()
    with (out / "predictions.csv").open(encoding="utf-8") as file:
        return [(line[0], *map(float, line[1:])) for line in csv.reader(file)]


def test_only_the_selected_slices_are_decoded_and_the_answers_are_the_same(bundle, settings, calls, tmp_path):
    whole = predictions(bundle, ["inference.json"], settings, tmp_path / "whole")
    calls["read"].clear()
    calls["score"] = 0

    lazy = predictions(bundle, ["inference.json", LAZY], settings, tmp_path / "lazy")

    assert [line[0] for line in lazy] == [line[0] for line in whole]
    assert len({round(line[1], 4) for line in lazy}) > 1
    for one, other in zip(lazy, whole, strict=True):
        assert one[1:] == pytest.approx(other[1:], abs=1e-5)
    assert calls == {"read": [4, 4, 3], "score": 3}
