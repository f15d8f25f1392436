"""The metadata of every bundle: the official schema where it is at hand, and rules of our own that need no download."""

import re

import pytest
from monai.bundle import verify_metadata, verify_net_in_out

import monai_das
from tests.bundle.bundle_runs import BUNDLES, ROOT, SCHEMA_MD5, config

PINS = dict(re.findall(r"^([\w-]+)==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), flags=re.MULTILINE))
VERSIONS = PINS | {"monai-das": monai_das.__version__}
TEXTS = ("schema", "version", "monai_version", "pytorch_version", "numpy_version", "name", "task", "description")
TEXTS += ("authors", "copyright", "intended_use", "data_source", "data_type")
TEXTS += ("image_classes", "label_classes", "pred_classes")
OBJECTS = ("changelog", "required_packages_version", "eval_metrics", "network_data_format")
TENSOR = {"type": str, "format": str, "num_channels": int, "spatial_shape": list, "dtype": str, "value_range": list}
TYPES = {"image", "series", "tuples", "probabilities"}
FORMATS = {"magnitude", "hounsfield", "kspace", "raw", "labels", "classes", "segmentation", "points", "normals"}
FORMATS |= {"indices", "sequence", "latent", "gradient"}


@pytest.fixture(params=BUNDLES, ids=lambda folder: folder.name)
def folder(request):
    return request.param


@pytest.fixture
def metadata(folder):
    return config("metadata.json", folder)


def tensors(metadata):
    """Yield name and description of all inputs and outputs."""
    for part in ("inputs", "outputs"):
        yield from metadata["network_data_format"][part].items()


def test_they_fit_the_official_schema(folder, official_schema):
    verify_metadata(
        meta_file=str(folder / "configs" / "metadata.json"), filepath=str(official_schema), hash_val=SCHEMA_MD5
    )


@pytest.mark.parametrize("n", [1, 5])
def test_the_network_takes_and_gives_what_they_say(folder, n):
    meta, config_file = (str(folder / "configs" / name) for name in ("metadata.json", "inference.json"))

    verify_net_in_out(net_id="network_def", meta_file=meta, config_file=config_file, device="cpu", n=n, any=7 * n)


def test_what_is_asked_for_is_there_and_of_its_type(metadata):
    assert {key for key in TEXTS if not (isinstance(metadata.get(key), str) and metadata[key].strip())} == set()
    assert {key for key in OBJECTS if not (isinstance(metadata.get(key), dict) and metadata[key])} == set()
    assert metadata["references"]
    assert all(isinstance(reference, str) for reference in metadata["references"])


def test_the_version_has_its_line_in_the_changelog(metadata):
    versions = [tuple(map(int, version.split("."))) for version in metadata["changelog"]]

    assert metadata["version"] in metadata["changelog"]
    assert metadata["version"] == ".".join(map(str, max(versions)))
    assert all(isinstance(line, str) and line for line in metadata["changelog"].values())


def test_versions_are_the_ones_the_tests_run_with(metadata):
    required = metadata["required_packages_version"]
    stated = {"monai": metadata["monai_version"], "torch": metadata["pytorch_version"]}
    stated |= {"numpy": metadata["numpy_version"], "monai-das": metadata["monai_das_version"]} | required

    # the zoo's CI installs these from an index, and monai-das by its install script
    assert "monai-das" not in required
    assert stated == {name: VERSIONS.get(name) for name in stated}


def test_packages_are_named_under_one_key(metadata):
    """With both keys MONAI 1.6.1 forgets the required packages."""
    assert "optional_packages_version" not in metadata


def test_tensors_are_described_in_the_schemas_words(metadata):
    assert set(metadata["network_data_format"]["inputs"]) >= {"image"}
    assert set(metadata["network_data_format"]["outputs"]) >= {"pred"}
    for name, tensor in tensors(metadata):
        assert {key for key, kind in TENSOR.items() if type(tensor.get(key)) is not kind} == set(), name
        assert tensor["type"] in TYPES, name
        assert tensor["format"] in FORMATS, name
        assert tensor["dtype"] == "float32", name


def test_each_channel_has_its_word(metadata):
    for name, tensor in tensors(metadata):
        assert list(tensor["channel_def"]) == [str(number) for number in range(tensor["num_channels"])], name


def test_the_classes_are_the_channels_of_the_prediction(metadata):
    classes = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]

    assert metadata["label_classes"].endswith(", ".join(f"{number} {word}" for number, word in classes.items()))
    assert metadata["pred_classes"] == f"probabilities of {len(classes)} classes: {', '.join(classes.values())}"


def test_the_use_is_limited_to_research(metadata):
    assert metadata["intended_use"].startswith("Research")
    assert "Not a medical device" in metadata["intended_use"]
