"""The bundles of ``zoo/``: each is complete, and runs by itself from any folder."""

import csv
import hashlib
import json
import runpy
import shutil

import pytest
import torch
from pydicom.data import get_testdata_file

from monai_das.cli import main
from monai_das.inference import Predictor
from tests.bundle.bundle_runs import FLAIR, ROOT, ULTRASOUND, config, monai_bundle, workflow
from tests.case_folders import only_case, only_result

OVERLAYS = {ULTRASOUND: "covid_blues", FLAIR: "brain_flair"}
WEIGHTS = {
    ULTRASOUND: "2e0cd008c8c7a0d8978b3ca19e5ecda4475913a702110114a3cf5a39c3f2ee74",
    FLAIR: "4006037571dbf378024373dbaea132392bc6d887cfa6b60fcae8cbd335b381cc",
}

every_one = pytest.mark.parametrize("folder", list(OVERLAYS), ids=lambda folder: folder.name)


@pytest.fixture
def echo(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    return shutil.copy(get_testdata_file("examples_ybr_color.dcm", download=False), folder)


@every_one
def test_the_training_configs_are_those_that_the_script_writes(folder):
    wanted = runpy.run_path(str(ROOT / "scripts" / "write_zoo_configs.py"))["zoo_configs"](folder.name)

    for name, text in wanted.items():
        assert (folder / "configs" / name).read_text(encoding="utf-8") == text, "run scripts/write_zoo_configs.py"


@every_one
def test_the_metadata_say_what_the_overlay_of_the_data_says(folder):
    overlay = json.loads((ROOT / "configs" / "data" / f"{OVERLAYS[folder]}.json").read_text(encoding="utf-8"))
    parser = workflow(folder, ["train.json"], {}).parser

    for name in ({"size"} | set(config("metadata.json", folder)["settings"])) - {"slice_axis"}:
        assert parser.get_parsed_content(name) == overlay[name]


@every_one
def test_the_weights_are_the_published_ones_with_their_note_beside_them(folder):
    weights = (folder / "models" / "model.pt").read_bytes()

    assert hashlib.sha256(weights).hexdigest() == WEIGHTS[folder]
    for name in ("LICENSE", "docs/data_license.txt", "docs/README.md"):
        assert "non-commercial" in (folder / name).read_text(encoding="utf-8")
    assert "non-commercial" in config("metadata.json", folder)["intended_use"]


def test_the_command_reads_a_clip(echo, tmp_path, capsys):
    arguments = ["predict", str(echo), "--bundle", str(ULTRASOUND), "--accept-any-input", "-o", str(tmp_path / "out")]
    code = main([*arguments, "--report", "json,html"])

    result = only_result(tmp_path / "out")
    assert code == 0
    assert f"{result['case_id']}: severity" in capsys.readouterr().out
    assert set(result["probabilities"]) == {"severity below 2", "severity 2 or above"}
    assert len(result["selected_slices"]) == 8
    assert "Not made for hearts" in (only_case(tmp_path / "out") / "case.html").read_text()
    assert result["model"]["name"] == "Adaptive frame selection for lung ultrasound severity"


@pytest.mark.e2e
def test_monai_bundle_and_torchscript_give_what_predict_gives(echo, tmp_path):
    configs, script = ULTRASOUND / "configs", tmp_path / "model.ts"
    places = ("--dataset_dir", tmp_path / "clips", "--output_dir", tmp_path / "out")
    files = ("--config_file", configs / "inference.json", "--meta_file", configs / "metadata.json")
    weights = ("--net_id", "network_def", "--ckpt_file", ULTRASOUND / "models" / "model.pt")

    # neither is run in the folder of the bundle
    monai_bundle("run", "--config_file", configs / "inference.json", "--bundle_root", ULTRASOUND, *places, cwd=tmp_path)
    monai_bundle("ckpt_export", "--filepath", script, *weights, *files, cwd=tmp_path)

    expected = pytest.approx(
        list(Predictor(ULTRASOUND, accept_any_input=True).predict(echo).probabilities.values()), abs=2e-3
    )
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8") as file:
        ((_, *row),) = csv.reader(file)
    assert [float(cell) for cell in row] == expected
    assert (
        list(Predictor.from_torchscript(script, accept_any_input=True).predict(echo).probabilities.values()) == expected
    )


def test_the_network_takes_clips_of_any_length():
    network = Predictor(ULTRASOUND).model.network

    with torch.no_grad():
        assert [network(torch.rand(1, 1, 112, 112, frames)).shape for frames in (3, 20)] == [(1, 2), (1, 2)]
