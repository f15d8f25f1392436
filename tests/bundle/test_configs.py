"""The configs agree with each other, and what they name exists."""

import json

import pytest
import torch

import monai_das
import monai_das.samplers
from monai_das.networks import DASNetwork
from tests.bundle.bundle_runs import BUNDLE, BUNDLES, FLAIR, METHODS, ROOT, ULTRASOUND, config, workflow

TRAIN = config("train.json")
FILES = sorted(path for folder in (*BUNDLES, ROOT) for path in folder.glob("configs/**/*.json"))

every_bundle = pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)


def names_of(node):
    """Yield every ``_target_`` of a config."""
    if isinstance(node, dict):
        yield from [node["_target_"]] if "_target_" in node else []
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from names_of(part)


def without_descriptions(node):
    if isinstance(node, dict):
        return {name: without_descriptions(part) for name, part in node.items() if name != "_desc_"}
    return [without_descriptions(part) for part in node] if isinstance(node, list) else node


@every_bundle
def test_training_and_inference_define_one_network(folder):
    train, inference = (config(name, folder)["network_def"] for name in ("train.json", "inference.json"))

    assert without_descriptions(train) == without_descriptions(inference)


@every_bundle
@pytest.mark.parametrize("name", ["num_slices", "size", "num_classes", "num_features", "dropout"])
def test_a_fact_of_training_and_inference_stands_in_the_metadata_alone(folder, name):
    train, inference = (config(file, folder)[name] for file in ("train.json", "inference.json"))

    assert train == inference
    assert train.startswith("@_meta_#")


@every_bundle
def test_training_and_inference_share_their_preprocessing(folder):
    train, inference = (config(name, folder) for name in ("train.json", "inference.json"))
    scaled = "monai_das.transforms.DASScaleIntensityd"

    steps = train["train"]["deterministic_transforms"]
    start = [step["_target_"] for step in steps].index(scaled)

    assert inference["preprocessing"]["transforms"][-3:] == steps[start : start + 3]
    assert train["validate"]["preprocessing"]["transforms"] == "@train#deterministic_transforms"


@every_bundle
def test_every_saved_metric_exists(folder):
    saved = [handler for handler in config("evaluate.json", folder)["validate#handlers"] if "metrics" in handler]
    known = {**TRAIN["validate"]["key_metric"], **TRAIN["validate"]["additional_metrics"]}

    assert saved
    assert all(set(handler["metrics"]) == set(known) for handler in saved)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_our_parts_are_named_by_their_package(file):
    ours = [name for name in names_of(json.loads(file.read_text(encoding="utf-8"))) if name.startswith("monai_das")]

    assert all(name.count(".") == 2 for name in ours)


def of_training(method):
    """Say whether an overlay replaces parts of a training, which inference has not."""
    return any(name.startswith("train#") for name in json.loads(method.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("file", "method"),
    [("train.json", method) for method in METHODS]
    + [("inference.json", method) for method in METHODS if not of_training(method)],
    ids=lambda value: getattr(value, "stem", value),
)
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


@every_bundle
def test_metadata_tell_the_versions_in_use_and_the_change(folder):
    metadata = config("metadata.json", folder)
    packages = metadata["required_packages_version"] | {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
        "monai-das": metadata["monai_das_version"],
    }
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    unpinned = {f"{name}=={version}" for name, version in packages.items()}.difference(pinned)

    assert unpinned == {f"monai-das=={monai_das.__version__}"}
    assert metadata["version"] in metadata["changelog"]


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        (BUNDLE, ["normal", "hyperplasia"]),
        (ULTRASOUND, ["severity below 2", "severity 2 or above"]),
        (FLAIR, ["no tumour", "holds a tumour"]),
    ],
)
def test_the_metadata_name_the_classes_everywhere_alike(folder, names):
    metadata = config("metadata.json", folder)
    outputs = metadata["network_data_format"]["outputs"]["pred"]

    assert list(outputs["channel_def"].values()) == names
    assert outputs["num_channels"] == len(names)
    assert metadata["label_classes"].endswith(", ".join(f"{number} {name}" for number, name in enumerate(names)))
    assert metadata["pred_classes"].endswith(", ".join(names))


@every_bundle
def test_a_bundle_has_the_files_of_the_specification_and_no_python(folder):
    wanted = ["LICENSE", "docs/README.md", "docs/data_license.txt", "models/model.pt"]
    wanted += [f"configs/{name}.json" for name in ("metadata", "train", "evaluate", "inference", "multi_gpu_train")]

    assert [name for name in [*wanted, "configs/logging.conf"] if not (folder / name).is_file()] == []
    assert list(folder.rglob("*.py")) == []


@pytest.mark.parametrize("name", ["inference.json", "metadata.json"])
def test_the_shipped_torchscript_holds_the_configs_beside_it(name):
    held = {name: ""}

    torch.jit.load(BUNDLE / "models" / "model.ts", _extra_files=held)

    assert json.loads(held[name]) == config(name), "export it again: docs/README.md of the bundle has the command"
