"""What a training leaves is a bundle, with what the config in use says."""

import json

import pytest
import torch
from ignite.engine import Engine

from monai_das.contract import Contract
from monai_das.inference import DASBundleWriter
from monai_das.inference.bundle_model import load_bundle_model
from monai_das.inference.bundle_writer import calling_parser
from tests.bundle.bundle_runs import BUNDLE, ROOT, config, workflow

LOADING = [
    {"_target_": "LoadImaged", "keys": ["image"], "reader": "monai_das.data.DASVolumeReader"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "monai_das.transforms.SliceAxisd", "keys": "image", "axis": "coronal"},
    {"_target_": "Resized", "keys": "image", "spatial_size": ["@size", "@size", -1], "mode": "area"},
    {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -50, "a_max": 150, "b_min": 0, "b_max": 1},
    {"_target_": "CopyItemsd", "keys": "image", "names": "again"},
    {"_target_": "EnsureTyped", "keys": ["image", "again"], "track_meta": False},
]


def trained(output, settings, files=("train.json",)):
    """Write the bundle of a network that saw no case; return its metadata."""
    cases = [{"image": torch.rand(1, 28, 28, 5), "label": number % 2} for number in range(4)]
    given = {"bundle_root": str(BUNDLE), "output_dir": str(output), "train_cases": cases, "validation_cases": cases}
    given |= {"writer": None, "engine": {"_target_": "ignite.engine.Engine", "process_function": "$lambda *_: None"}}
    given |= {"run": ["$@bundle_writer.write(@engine, @network_def)"]} | settings
    made = workflow(BUNDLE, files, given)
    made.initialize()
    made.run()
    return json.loads((output / "configs" / "metadata.json").read_text(encoding="utf-8"))


def test_overrides_of_the_command_line_stand_in_the_bundle(tmp_path):
    metadata = trained(tmp_path, {"num_slices": 3, "size": 28, "class_names": ["no", "yes"]})

    contract = Contract.from_metadata(metadata)
    assert (contract.classes, contract.num_slices, contract.thumbnail_size) == (("no", "yes"), 3, 28)
    model = load_bundle_model(tmp_path, torch.device("cpu"))
    assert (model.network.sampler.num_slices, model.network.thumbnail_size, model.contract.classes) == (
        3,
        28,
        ("no", "yes"),
    )
    assert config("inference.json", tmp_path)["num_slices"] == "@_meta_#settings#num_slices"


def test_plane_and_intensities_come_from_the_steps_of_the_training(tmp_path):
    metadata = trained(tmp_path, {"train#deterministic_transforms": LOADING})

    contract = Contract.from_metadata(metadata)
    steps = config("inference.json", tmp_path)["preprocessing"]["transforms"]
    assert contract.slice_axis == "coronal"
    assert contract.intensity == {"scale": "window", "low": -50, "high": 150}
    assert [step["_target_"].rpartition(".")[2] for step in steps] == [
        "LoadImaged", "EnsureChannelFirstd", "SliceAxisd", "Resized", "ScaleIntensityRanged", "EnsureTyped",
    ]  # fmt: skip
    assert {step["keys"] for step in steps} == {"image"}


@pytest.mark.parametrize(
    ("step", "intensity"),
    [
        ({"_target_": "monai_das.transforms.DASScaleIntensityd", "percentiles": [2, 98]}, ("percentiles", 2, 98)),
        ({"_target_": "ScaleIntensityRangePercentilesd", "lower": 1, "upper": 99, "b_min": 0, "b_max": 1},
         ("percentiles", 1, 99)),
        ({"_target_": "ScaleIntensityd"}, ("range", None, None)),
        ({"_target_": "Identityd"}, ("none", None, None)),
    ],
)  # fmt: skip
def test_the_scale_of_each_step_is_stated(tmp_path, step, intensity):
    found = trained(tmp_path, {"train#deterministic_transforms": [{**step, "keys": "image"}]})["contract"]["intensity"]

    assert (found["scale"], found.get("low"), found.get("high")) == intensity


def test_other_data_lose_the_names_and_texts_of_the_bundle(tmp_path):
    metadata = trained(tmp_path, {"_meta_#contract#dicom_attributes": {"EchoTime": {"at_least": 70}}})

    contract = Contract.from_metadata(metadata)
    assert contract.classes == ("class 0", "class 1")
    assert contract.dicom_attributes is None
    assert (contract.modality, contract.body_part, contract.values, contract.slices) == (None, None, None, None)
    words = json.dumps({name: value for name, value in metadata.items() if name not in ("changelog", "schema")})
    assert "adrenal" not in words.lower()
    assert "hyperplas" not in words


def test_the_same_classes_keep_the_texts_of_the_bundle(tmp_path):
    metadata = trained(tmp_path, {"class_names": ["normal", "hyperplasia"]})

    assert metadata["name"] == config("metadata.json")["name"]
    assert metadata["version"].endswith("+trained")
    assert metadata["version"] in metadata["changelog"]


def test_the_network_is_the_trained_one(tmp_path):
    trained(tmp_path, {}, ["train.json", ROOT / "configs/method/das_gate.json"])

    model = load_bundle_model(tmp_path, torch.device("cpu"))

    assert type(model.network.sampler).__name__ == "DASGateSampler"


def test_a_second_training_replaces_the_bundle_and_drops_its_torchscript(tmp_path):
    trained(tmp_path, {"num_slices": 3})
    (tmp_path / "models" / "model.ts").write_text("of the first")

    metadata = trained(tmp_path, {"num_slices": 5})

    assert metadata["settings"]["num_slices"] == 5
    assert not (tmp_path / "models" / "model.ts").exists()
    assert not list(tmp_path.rglob(".*"))


def test_names_must_be_as_many_as_classes():
    writer = DASBundleWriter(".", ".", {}, ["a", "b", "c"])

    with pytest.raises(ValueError, match=r"3 classes \(a, b, c\), the network is built for 2; give --num_classes 3"):
        writer.attach(Engine(lambda *_: None), 2)


def test_without_a_config_nothing_can_be_written():
    with pytest.raises(RuntimeError, match="no config is being evaluated"):
        calling_parser()
