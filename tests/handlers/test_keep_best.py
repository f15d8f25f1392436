import pytest
import torch
from ignite.engine import Engine

from monai_das.handlers import DASKeepBest


def validated(best, value):
    evaluator = Engine(lambda engine, batch: None)
    evaluator.state.key_metric_name = "val_auc"
    best.attach(evaluator)
    evaluator.state.metrics = {"val_auc": value}
    best.network.bias.data.fill_(value)
    evaluator.run([0])


def kept(folder):
    return torch.load(folder / "best.pt", weights_only=True)["bias"].item()


@pytest.fixture
def best(tmp_path):
    return DASKeepBest(torch.nn.Linear(1, 1), str(tmp_path / "best.pt"))


def test_only_a_higher_value_replaces_the_best(best, tmp_path):
    for value in (0.5, 0.75, float("nan"), 0.25, 0.75):
        validated(best, value)

    assert kept(tmp_path) == best.value == 0.75


def test_a_resumed_run_knows_how_good_the_best_was(best, tmp_path):
    validated(best, 0.75)
    resumed = DASKeepBest(best.network, str(tmp_path / "best.pt"))
    resumed.load_state_dict(best.state_dict())

    validated(resumed, 0.5)

    assert kept(tmp_path) == 0.75


def test_a_run_that_ends_while_it_writes_leaves_the_earlier_file(best, tmp_path, monkeypatch):
    validated(best, 0.5)

    def half(state, path):
        path.write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        validated(best, 0.75)

    assert kept(tmp_path) == 0.5


def test_a_process_that_does_not_write_only_compares(tmp_path):
    best = DASKeepBest(torch.nn.Linear(1, 1), None)

    validated(best, 0.5)

    assert (best.value, list(tmp_path.iterdir())) == (0.5, [])
