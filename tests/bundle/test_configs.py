"""The configs agree with each other, and what they name exists."""

import json

import pytest

import monai_das
import monai_das.samplers
from monai_das.networks import DASNetwork
from tests.bundle.bundle_runs import BUNDLE, METHODS, ROOT, config, workflow

TRAIN = config("train.json")
INFERENCE = config("inference.json")
METADATA = config("metadata.json")
FILES = sorted([*ROOT.glob("bundle/configs/*.json"), *ROOT.glob("configs/**/*.json")])


def names_of(node):
    """Yield every ``_target_`` of a config."""
    if isinstance(node, dict):
        yield from [node["_target_"]] if "_target_" in node else []
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from names_of(part)


def test_training_and_inference_define_one_network():
    assert TRAIN["network_def"] == INFERENCE["network_def"]


@pytest.mark.parametrize("name", ["num_slices", "size", "num_classes", "num_features", "dropout"])
def test_a_fact_of_training_and_inference_stands_in_the_metadata_alone(name):
    assert TRAIN[name] == INFERENCE[name]
    assert TRAIN[name].startswith("@_meta_#")


def test_training_and_inference_share_their_preprocessing():
    shared = TRAIN["train"]["deterministic_transforms"]

    assert INFERENCE["preprocessing"]["transforms"][-len(shared) :] == shared
    assert TRAIN["validate"]["preprocessing"]["transforms"] == "@train#deterministic_transforms"


def test_every_saved_metric_exists():
    saved = [handler for handler in config("evaluate.json")["validate#handlers"] if "metrics" in handler]
    known = {**TRAIN["validate"]["key_metric"], **TRAIN["validate"]["additional_metrics"]}

    assert saved
    assert all(set(handler["metrics"]) == set(known) for handler in saved)


def test_the_early_stop_reads_a_metric_that_exists():
    assert f"metrics['{next(iter(TRAIN['validate']['key_metric']))}']" in TRAIN["early_stop"]["score_function"]


@pytest.mark.parametrize(
    "file", sorted([*ROOT.glob("bundle/configs/*.json"), *ROOT.glob("configs/**/*.json")]), ids=str
)
def test_our_parts_are_named_by_their_package(file):
    ours = [name for name in names_of(json.loads(file.read_text(encoding="utf-8"))) if name.startswith("monai_das")]

    assert all(name.count(".") == 2 for name in ours)


@pytest.mark.parametrize("method", METHODS, ids=lambda path: path.stem)
@pytest.mark.parametrize("file", ["train.json", "inference.json"])
def test_a_method_swaps_the_sampler(bundle, method, file):
    kind = file.removesuffix(".json").replace("inference", "infer")

    network = workflow(bundle, [file, method], {}, kind).parser.get_parsed_content("network_def")

    assert isinstance(network, DASNetwork)
    words = method.stem.replace("_", "").lower()
    assert type(network.sampler).__name__.lower() in (f"das{words}sampler", f"{words}sampler")


def test_there_is_one_method_per_sampler():
    samplers = {name for name in monai_das.samplers.__all__ if name.endswith("Sampler") and name != "Sampler"}
    named = {json.loads(path.read_text(encoding="utf-8"))["network_def#sampler"]["_target_"] for path in METHODS}

    assert named == {f"monai_das.samplers.{name}" for name in samplers}


def settings_of(network):
    kinds = (bool, int, float, str)
    return {
        name: (type(each), {key: value for key, value in vars(each).items() if isinstance(value, kinds)})
        for name, each in network.named_modules()
    }


def test_the_method_of_the_bundle_is_das(bundle):
    files = (["train.json"], ["train.json", ROOT / "configs/method/das.json"])
    own, overlaid = (workflow(bundle, each, {}).parser for each in files)

    networks = [each.get_parsed_content("network_def") for each in (own, overlaid)]
    assert settings_of(networks[0]) == settings_of(networks[1])
    assert own.get("widening_epochs") == overlaid.get("widening_epochs")


def test_the_small_cubes_change_size_and_budget(bundle):
    made = workflow(bundle, ["train.json", ROOT / "configs/data/adrenal28.json"], {})

    network = made.parser.get_parsed_content("network_def")

    assert (network.thumbnail_size, network.sampler.num_slices) == (28, 7)


@pytest.mark.parametrize("file", ["metadata.json", "metadata_covid_blues.json"])
def test_metadata_tell_the_versions_in_use_and_the_change(file):
    metadata = config(file)
    packages = metadata["required_packages_version"] | {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
    }
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    unpinned = {f"{name}=={version}" for name, version in packages.items()}.difference(pinned)

    assert unpinned == {f"monai-das=={monai_das.__version__}"}
    assert metadata["version"] in metadata["changelog"]


def test_the_ultrasound_model_is_the_one_that_its_overlay_trains(bundle):
    trained = workflow(bundle, ["train.json", ROOT / "configs/data/covid_blues.json"], {}).parser
    used = workflow(bundle, ["inference.json", "inference_covid_blues.json"], {}, "infer").parser

    steps = [each["_target_"] for each in trained.get("train")["deterministic_transforms"]]
    assert used.get("network_def") == trained.get("network_def")
    for name in ("size", "num_slices", "num_classes", "dropout"):
        assert used.get(name) == trained.get(name)
    kept = [each["_target_"] for each in used.get("preprocessing")["transforms"] if each["_target_"] in steps]
    assert kept == ["LoadImaged", "monai_das.transforms.DASScaleIntensityd", "Resized", "EnsureTyped"]


def test_classes_are_those_of_the_network():
    outputs = METADATA["network_data_format"]["outputs"]["pred"]

    assert list(outputs["channel_def"].values()) == ["normal", "hyperplasia"]
    assert outputs["num_channels"] == len(outputs["channel_def"])


def test_the_bundle_has_the_files_of_the_specification():
    wanted = ("LICENSE", "docs/README.md", "docs/data_license.txt", "configs/logging.conf")

    assert [name for name in wanted if not (BUNDLE / name).is_file()] == []
