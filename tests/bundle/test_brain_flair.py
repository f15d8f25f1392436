"""``zoo/brain_flair``: its training on sets of slices of brains, and the shipped model on files."""

import json
import re

import numpy as np
import pytest
import torch
from pydicom import dcmread

from benchmarks.commands import main as benchmarks
from benchmarks.studies.brain_flair import run_brain_flair
from monai_das.cli import main
from monai_das.contract import InputRefusedError
from monai_das.data import read_volume
from monai_das.datasets import lgg_flair_items, write_dicom_series, write_nifti
from monai_das.inference import Predictor
from monai_das.transforms import SliceAxis
from tests.bundle.bundle_runs import FLAIR, workflow
from tests.case_folders import only_result
from tests.lgg_files import write_brains

SMALL = {"size": 32, "batch_size": 2, "epochs": 1, "pretrained": False, "num_folds": 2, "checkpoints": False}


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    return write_brains(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def predictor():
    return Predictor(FLAIR)


def head(depth=24):
    """A bright ball in the air with noise, int16: a head for the checks."""
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in (64, 64, depth)), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.8
    noise = np.random.default_rng(0).integers(0, 60, inside.shape)
    return (inside * 500 + noise).astype(np.int16)


def train(brains, out, **settings):
    given = SMALL | {"bundle_root": str(FLAIR), "dataset_dir": str(brains), "output_dir": str(out)} | settings
    run = workflow(FLAIR, ["train.json"], given)
    run.initialize()
    return run


def test_an_epoch_is_trained_on_sets_and_the_held_out_patients_are_looked_at_once(brains, tmp_path):
    run = train(brains, tmp_path / "out")
    trainer, evaluator = (run.parser.get_parsed_content(name) for name in ("train#trainer", "validate#evaluator"))
    run.run()
    run.finalize()

    assert trainer.state.epoch == evaluator.state.epoch == 1
    assert "val_auc" in evaluator.state.metrics
    metadata = json.loads((tmp_path / "out" / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["settings"]["fraction"] == 0.125
    assert metadata["eval_metrics"]["cases"] == 6 * metadata["eval_metrics"]["patients"]


def test_a_batch_holds_sets_of_different_size_with_label_and_truth(brains, tmp_path):
    parser = train(brains, tmp_path / "out", batch_size=4, seed=2).parser
    prepare = parser.get_parsed_content("train#prepare_batch")

    batch = next(iter(parser.get_parsed_content("train#dataloader")))
    image, target, _, extra = prepare(batch, "cpu", False)

    lengths = extra["lengths"].tolist()
    assert image.shape == (4, 1, 32, 32, max(lengths))
    assert len(set(lengths)) > 1
    for case, verdicts, label, length in zip(image, target["verdicts"], target["label"], lengths, strict=True):
        shown = verdicts[0, 0, 0, :length]
        assert set(shown.tolist()) <= {-1.0, 1.0}
        assert bool(label) == bool((shown > 0).any())
        # the square is brighter than all noise
        assert (case[0, ..., :length].amax(dim=(0, 1)) > 0.9).tolist() == (shown > 0).tolist()
        assert float(case[..., length:].abs().sum()) == 0.0


def test_the_study_measures_the_patients_of_each_fold_by_its_own_weights(brains, tmp_path):
    weights = []
    for fold in range(2):
        network = train(brains, tmp_path / "out", fold=fold, size=128).parser.get_parsed_content("network_def")
        weights.append(tmp_path / f"fold{fold}.pt")
        torch.save(network.state_dict(), weights[-1])

    folds, alone = (run_brain_flair(brains, files, FLAIR).splitlines() for files in (weights, weights[:1]))

    figures = json.loads(folds[-1])
    assert (figures["brains"], figures["sets"], len(figures["thresholds"])) == (8, 42, 2)
    # untrained weights choose evenly, slices 4 and 12 of 16 or 4 and 13 of 18; only the last patient shows it there
    assert figures["met"] == figures["precision"] == 0.125
    assert {"precision_low", "set_auc", "set_balanced_accuracy_high", "brain_sensitivity"} <= set(figures)
    assert folds[0] == "8 brains, 42 sets of 12 slices of 8 patients"
    assert json.loads(alone[-1])["brains"] == 8


def test_weights_that_are_not_there_or_of_another_network_end_the_command(brains, tmp_path, capsys):
    for name, words in (("none.pt", "No such file"), ("other.pt", "do not fit the network of")):
        torch.save({"head.weight": torch.zeros(2, 3)}, tmp_path / "other.pt")
        with pytest.raises(SystemExit) as exit_:
            benchmarks(["brain_flair", str(tmp_path / name), "--bundle", str(FLAIR), "--data", str(brains)])

        assert exit_.value.code == 2
        assert re.search(rf"{name}.*{words}|{words}.*{name}", capsys.readouterr().err)


def test_a_nifti_and_a_dicom_series_of_one_brain_get_one_answer(data_root, predictor, tmp_path):
    path = lgg_flair_items(data_root)[0]["image"]
    upright = SliceAxis(axis="axial")(read_volume(path).image)
    write_dicom_series(upright[0].numpy().astype(np.uint8), tmp_path / "series")

    found, same = predictor.predict(path), predictor.predict(tmp_path / "series")

    assert [each.index for each in found.selected] == [each.index for each in same.selected]
    assert len(found.selected) == max(1, int(0.125 * found.total_slices + 0.5))
    assert list(found.probabilities.values()) == pytest.approx(list(same.probabilities.values()), abs=1e-3)
    assert found.notices == same.notices == ()
    unstated = [[each for each in case.warnings if each.startswith("not stated: ")] for case in (found, same)]
    assert unstated[0] == []
    assert unstated[1][0].startswith("not stated: EchoTime, InversionTime; ")


@pytest.mark.parametrize("depth", [20, 200])
def test_a_series_of_any_usual_depth_and_scale_is_accepted(data_root, predictor, depth, tmp_path):
    upright = SliceAxis(axis="axial")(read_volume(lgg_flair_items(data_root)[40]["image"]).image)
    shape = (160, 160, depth)
    other = torch.nn.functional.interpolate(upright.as_tensor()[None], size=shape, mode="trilinear")[0, 0] * 7.0
    write_nifti(other.numpy().astype(np.float32), tmp_path / "other.nii")

    result = predictor.predict(tmp_path / "other.nii")

    assert len(result.selected) == round(0.125 * depth + 0.01)
    assert result.notices == ()


def test_a_head_ct_is_refused(predictor, tmp_path, capsys):
    write_dicom_series(head(), tmp_path / "ct")
    for file in (tmp_path / "ct").iterdir():
        tags = dcmread(file)
        tags.Modality, tags.SOPClassUID, tags.BodyPartExamined = "CT", "1.2.840.10008.5.1.4.1.1.2", "HEAD"
        tags.file_meta.MediaStorageSOPClassUID = tags.SOPClassUID
        tags.save_as(file)

    code = main(["predict", str(tmp_path / "ct"), "--bundle", str(FLAIR), "-o", str(tmp_path / "out")])

    assert code == 1
    assert "Modality (0008,0060) is CT, MR is accepted" in capsys.readouterr().err
    write_nifti((head() - 1024).astype(np.float32), tmp_path / "ct.nii.gz")
    with pytest.raises(InputRefusedError, match="magnitudes, 0 and above is accepted"):
        predictor.predict(tmp_path / "ct.nii.gz")


def test_an_mr_of_a_knee_is_refused_by_its_body_part(predictor, tmp_path):
    write_dicom_series(head(), tmp_path / "knee")
    for file in (tmp_path / "knee").iterdir():
        tags = dcmread(file)
        tags.BodyPartExamined = "KNEE"
        tags.save_as(file)

    with pytest.raises(InputRefusedError, match="KNEE, BRAIN or HEAD is accepted"):
        predictor.predict(tmp_path / "knee")


def test_a_t1_series_of_a_head_is_refused_unless_any_input_is_accepted(tmp_path, capsys):
    write_dicom_series(head(), tmp_path / "t1")
    for file in (tmp_path / "t1").iterdir():
        tags = dcmread(file)
        tags.EchoTime, tags.ScanningSequence = "9.5", ["SE", "IR"]
        tags.save_as(file)
    arguments = ["predict", str(tmp_path / "t1"), "--bundle", str(FLAIR), "--report", "json", "-o"]

    assert main([*arguments, str(tmp_path / "refused")]) == 1
    assert "EchoTime (0018,0081) is 9.5, 70 or more is accepted" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "taken"), "--accept-any-input"]) == 0

    result = only_result(tmp_path / "taken")
    assert result["input"]["reasons"] == ["EchoTime (0018,0081) is 9.5, 70 or more is accepted"]
    assert [each for each in result["warnings"] if each.startswith("not stated: InversionTime; ")]


def test_the_command_chooses_an_eighth_of_the_slices_and_takes_another_budget(tmp_path):
    write_nifti(head(32).astype(np.float32), tmp_path / "head.nii.gz")
    arguments = ["predict", str(tmp_path / "head.nii.gz"), "--bundle", str(FLAIR), "--report", "json", "-o"]

    assert main([*arguments, str(tmp_path / "own")]) == 0
    assert main([*arguments, str(tmp_path / "six"), "--num-slices", "6"]) == 0

    results = [only_result(tmp_path / name) for name in ("own", "six")]
    assert [len(result["selected_slices"]) for result in results] == [4, 6]
    assert set(results[0]["probabilities"]) == {"no tumour", "holds a tumour"}


def test_info_tells_budget_licence_and_use(capsys):
    assert main(["info", str(FLAIR)]) == 0

    told = capsys.readouterr().out
    assert "0.125 of the slices" in told
    assert "CC BY-NC-SA 4.0" in told
    assert "T2-FLAIR" in told
    assert "EchoTime 70 or more, InversionTime 1400 to 3000, ScanningSequence with IR or RM" in " ".join(told.split())


def test_doctor_finds_the_contract_in_configs_and_weights(capsys):
    assert main(["doctor", "--bundle", str(FLAIR)]) == 0

    assert "agrees; 80 training cases" in capsys.readouterr().out
