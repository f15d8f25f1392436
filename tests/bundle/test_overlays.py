"""Overlays of the bundles: those that a README names are there, and they replace named entries only."""

import json
import re

import pytest
import torch

from monai_das.networks import DASMobileNetV3Small
from tests.bundle.bundle_runs import BUNDLE, BUNDLES, ROOT, workflow

CONFIGS = re.compile(r"[\w./-]*configs/[\w./-]+")
FILES = sorted(path for folder in (*BUNDLES, ROOT) for path in folder.glob("configs/**/*.json"))


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_a_readme_names_what_lies_in_its_bundle_and_all_of_it(folder):
    named = set(CONFIGS.findall((folder / "docs" / "README.md").read_text(encoding="utf-8")))

    assert {name for name in named if ".." in name or not (folder / name).is_file()} == set()
    assert {f"configs/{file.name}" for file in folder.glob("configs/*.json")} <= named


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_config_replaces_an_entry_by_its_place_in_a_list(file):
    names = json.loads(file.read_text(encoding="utf-8"))

    assert [name for name in names if re.search(r"(#|::)\d", name)] == []


def test_mobilenet_is_trained_and_then_used(bundle, small, tmp_path):
    train = workflow(bundle, ["train.json", "mobilenet.json"], small)
    train.initialize()
    train.run()
    train.finalize()

    made = workflow(bundle, ["inference.json", "mobilenet.json"], {"size": 28, "num_slices": 3}, "infer")
    network = made.parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(tmp_path / "out" / "model.pt", weights_only=True))
    assert isinstance(network.backbone, DASMobileNetV3Small)
    assert network(torch.rand(2, 1, 28, 28, 9)).shape == (2, 2)


def test_mobilenet_fits_the_size_and_budget_of_the_bundle():
    network = workflow(BUNDLE, ["inference.json", "mobilenet.json"], {}, "infer").parser.get_parsed_content(
        "network_def"
    )

    assert isinstance(network.backbone, DASMobileNetV3Small)
    assert network.eval()(torch.rand(1, 1, 64, 64, 20)).shape == (1, 2)
