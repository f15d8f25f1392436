"""Models that a bundle holds beside its own, and the one for lung ultrasound that ours does."""

import csv
import json
import shutil

import pytest
import torch
from monai.bundle import ConfigParser
from pydicom.data import get_testdata_file

from monai_das.cli import main
from monai_das.inference import Predictor
from tests.bundle.bundle_runs import BUNDLE, monai_bundle

NAME = "covid_blues"


@pytest.fixture
def echo(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    return shutil.copy(get_testdata_file("examples_ybr_color.dcm", download=False), folder)


def test_a_further_model_has_its_own_config_metadata_and_weights(own_bundle):
    configs = own_bundle / "configs"
    parser = ConfigParser()
    parser.read_config([str(configs / "inference.json"), str(configs / f"inference_{NAME}.json")])
    torch.save(parser.get_parsed_content("network_def").state_dict(), own_bundle / "models" / f"{NAME}.pt")

    own, further = (Predictor(own_bundle, model_name=name).model for name in (None, NAME))

    assert (own.network.thumbnail_size, further.network.thumbnail_size) == (64, 112)
    assert (own.network.sampler.num_slices, further.network.sampler.num_slices) == (16, 8)
    assert (own.classes[0], further.classes[0]) == ("normal", "severity below 2")
    assert own.info.weights_sha256 != further.info.weights_sha256


def test_a_model_that_is_not_there(own_bundle):
    with pytest.raises(FileNotFoundError, match="has no model 'hearts'; it has covid_blues"):
        Predictor(own_bundle, model_name="hearts")

    (own_bundle / "configs" / f"inference_{NAME}.json").unlink()
    with pytest.raises(FileNotFoundError, match="has no model 'hearts'; it has only its own, without a name"):
        Predictor(own_bundle, model_name="hearts")


def test_a_further_model_without_weights(own_bundle):
    with pytest.raises(FileNotFoundError, match=rf"{NAME}\.pt: the bundle has no weights"):
        Predictor(own_bundle, model_name=NAME)


def test_weights_that_do_not_fit_are_blamed_on_the_config_of_their_model(own_bundle):
    shutil.copy(own_bundle / "models" / "model.pt", own_bundle / "models" / f"{NAME}.pt")

    with pytest.raises(ValueError, match=rf"{NAME}\.pt does not fit network_def of .*inference_{NAME}\.json"):
        Predictor(own_bundle, model_name=NAME)


def test_a_name_beside_a_loaded_model_is_refused(own_bundle):
    model = Predictor(own_bundle).model

    with pytest.raises(ValueError, match="model_name='covid_blues' names a model of bundle_dir; leave it out"):
        Predictor(model=model, model_name=NAME)


def test_the_command_reads_a_clip_with_the_ultrasound_model(echo, tmp_path, capsys):
    arguments = ["predict", str(echo), "--bundle", str(BUNDLE), "--model", NAME, "-o", str(tmp_path / "out")]
    code = main([*arguments, "--report", "json,html"])

    result = json.loads((tmp_path / "out" / "case-0001" / "result.json").read_text())
    assert code == 0
    assert "case-0001: severity" in capsys.readouterr().out
    assert set(result["probabilities"]) == {"severity below 2", "severity 2 or above"}
    assert len(result["selected_slices"]) == 8
    assert "Not made for hearts" in (tmp_path / "out" / "case-0001" / "case.html").read_text()
    assert result["model"]["name"] == "Adaptive frame selection for lung ultrasound severity"


def test_an_unknown_model_is_a_usage_error(echo, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(echo), "--bundle", str(BUNDLE), "--model", "hearts", "-o", str(tmp_path / "out")])

    assert "has no model 'hearts'; it has covid_blues" in capsys.readouterr().err


def test_the_bundle_command_gives_what_predict_gives(echo, tmp_path):
    files = f"['configs/inference.json','configs/inference_{NAME}.json']"
    places = ("--dataset_dir", str(tmp_path / "clips"), "--output_dir", str(tmp_path / "out"))

    monai_bundle(
        "run",
        *("--config_file", files, "--meta_file", f"configs/metadata_{NAME}.json"),
        *("--logging_file", "configs/logging.conf", *places),
        cwd=BUNDLE,
    )

    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8") as file:
        ((_, *row),) = csv.reader(file)
    result = Predictor(BUNDLE, model_name=NAME).predict(echo)
    assert [float(cell) for cell in row] == pytest.approx(list(result.probabilities.values()), abs=2e-3)
