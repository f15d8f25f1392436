"""Training, evaluation and inference in this process: properties, results, resuming."""

import csv

import numpy as np
import pytest
import torch
from ignite.engine import Events
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_das.datasets import write_dicom_series, write_nifti
from tests.bundle.bundle_runs import config, workflow


@pytest.fixture
def input_dir(tmp_path):
    """A volume as NIfTI and as a DICOM series, and a shorter one of another shape."""
    folder = tmp_path / "input"
    volume = np.random.default_rng(0).integers(0, 999, (20, 24, 40)).astype(np.int16)
    write_nifti(volume, folder / "a.nii.gz")
    write_dicom_series(volume, folder / "b")
    write_nifti(volume[:9, :, :7], folder / "c.nii")
    return folder


@pytest.fixture
def inference(bundle, input_dir, tmp_path):
    return {"bundle_root": str(bundle), "dataset_dir": str(input_dir), "output_dir": str(tmp_path / "out")}


def finished(made):
    """Run a workflow to its end and return it."""
    made.initialize()
    made.run()
    made.finalize()
    return made


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("files", [["train.json"], ["train.json", "evaluate.json"]], ids=["train", "evaluate"])
def test_properties_of_training_and_evaluation_are_clean(bundle, small, files):
    made = workflow(bundle, files, small)
    made.initialize()

    assert made.check_properties() == []
    made.finalize()


def test_properties_of_inference_are_clean(bundle, inference):
    made = workflow(bundle, ["inference.json"], inference, "infer")
    made.initialize()

    assert made.check_properties() == []


def test_training_leaves_weights_events_and_a_point_to_resume_from(bundle, small, tmp_path):
    made = finished(workflow(bundle, ["train.json"], small))

    averaged = made.parser.get_parsed_content("averaged_network").state_dict()
    weights = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    # the contract in the weights of a finished bundle also describes the training cases
    assert all(torch.equal(weights[name], value) for name, value in averaged.items() if name != "contract.text")
    events = EventAccumulator(str(tmp_path / "out")).Reload()
    metrics = {*config("train.json")["validate"]["additional_metrics"], "val_auc", "train_accuracy", "train_loss"}
    assert metrics <= set(events.Tags()["scalars"])
    assert "selection_0/slices" in events.Tags()["images"]
    assert (tmp_path / "out" / "model_best.pt").is_file()
    assert (tmp_path / "out" / "resume_checkpoint_3.pt").is_file()


def test_a_killed_training_resumes_and_ends_where_the_whole_one_does(bundle, small, tmp_path):
    settings = small | {"epochs": 3}
    whole = workflow(bundle, ["train.json"], settings | {"output_dir": str(tmp_path / "whole")})
    finished(whole)
    killed = workflow(bundle, ["train.json"], settings)
    killed.initialize()
    killed.parser.get_parsed_content("train#trainer").add_event_handler(Events.EPOCH_STARTED(once=2), interrupt)
    with pytest.raises(KeyboardInterrupt):
        killed.run()

    resumed = workflow(bundle, ["train.json"], settings | {"resume": True})
    resumed.initialize()
    epochs, trainer = [], resumed.parser.get_parsed_content("train#trainer")
    trainer.add_event_handler(Events.EPOCH_STARTED, lambda engine: epochs.append(engine.state.epoch))
    resumed.run()

    assert epochs == [2, 3]

    for file in ("model.pt", "model_best.pt"):
        expected = torch.load(tmp_path / "whole" / file, weights_only=True)
        reached = torch.load(tmp_path / "out" / file, weights_only=True)
        assert all(torch.allclose(reached[name], value, atol=1e-5) for name, value in expected.items())


def interrupt(engine):
    raise KeyboardInterrupt


def test_resume_without_a_point_to_resume_from_starts_afresh(bundle, small):
    made = finished(workflow(bundle, ["train.json"], small | {"resume": True}))

    assert made.parser.get_parsed_content("train#trainer").state.epoch == small["epochs"]


def test_resuming_a_finished_training_leaves_it_as_it_is(bundle, small, tmp_path):
    finished(workflow(bundle, ["train.json"], small))
    best = (tmp_path / "out" / "model_best.pt").stat().st_mtime_ns
    written = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    (tmp_path / "out" / "model.pt").unlink()  # as if the run was killed before it was written

    finished(workflow(bundle, ["train.json"], small | {"resume": True}))

    assert (tmp_path / "out" / "model_best.pt").stat().st_mtime_ns == best
    again = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    assert all(torch.equal(again[name], value) for name, value in written.items())


def test_the_budget_shrinks_from_all_slices_to_k(bundle, small):
    made = workflow(bundle, ["train.json"], small | {"epochs": 3, "widening_epochs": [1, 2]})
    made.initialize()
    rows, trainer = [], made.parser.get_parsed_content("train#trainer")
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda engine: rows.append(len(engine.state.output[0]["selection"]["indices"]))
    )

    made.run()

    assert (rows[0], rows[2]) == (28, 3)
    assert rows[0] > rows[1] > rows[2]
    made.finalize()


def test_evaluation_saves_metrics_and_a_line_per_case(bundle, small, tmp_path):
    weights = tmp_path / "model.pt"
    network = workflow(bundle, ["train.json"], small).parser.get_parsed_content("network_def")
    torch.save(network.state_dict(), weights)

    finished(workflow(bundle, ["train.json", "evaluate.json"], small | {"ckpt": str(weights)}))

    metrics = dict(rows_of(tmp_path / "out" / "metrics.csv"))
    assert set(metrics) == {*config("train.json")["validate"]["additional_metrics"], "val_auc"}
    lines = rows_of(tmp_path / "out" / "predictions.csv")
    assert [line[0] for line in lines] == [f"test_{number:03d}" for number in range(8)]
    assert [float(line[3]) for line in lines] == [0, 1] * 4
    assert all(float(line[1]) + float(line[2]) == pytest.approx(1.0) for line in lines)


def test_inference_gives_probabilities_of_each_case_whatever_its_format(bundle, inference, tmp_path):
    finished(workflow(bundle, ["inference.json"], inference, "infer"))

    lines = rows_of(tmp_path / "out" / "predictions.csv")
    assert [line[0].rpartition("/")[2] for line in lines] == ["a.nii.gz", "b", "c.nii"]
    assert all(float(line[1]) + float(line[2]) == pytest.approx(1.0) for line in lines)
    assert float(lines[0][1]) == pytest.approx(float(lines[1][1]), abs=1e-5)
