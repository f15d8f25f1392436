"""What a bundle states of itself is read from one place, and mistakes in it are named."""

import json

import pytest

from monai_das.contract import Contract, class_names
from tests.bundle.bundle_runs import BUNDLES


@pytest.fixture
def metadata():
    image = {"num_channels": 1, "spatial_shape": [16, 16, "*"]}
    pred = {"num_channels": 2, "channel_def": {"1": "ill", "0": "well"}}
    return {
        "version": "1.2.0",
        "intended_use": "research",
        "settings": {"slice_axis": "coronal", "num_slices": 3},
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": pred}},
        "contract": {"values": "hu", "modality": ["CT"], "slices": [3, 40], "spacing": [0.5, 5], "license": "MIT"},
    }


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_the_metadata_of_every_bundle_state_a_contract(folder):
    metadata = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))

    assert Contract.from_metadata(metadata).into_metadata(metadata) == metadata


def test_each_fact_is_read_from_its_place(metadata):
    contract = Contract.from_metadata(metadata)

    assert contract == Contract(
        classes=("well", "ill"),
        channels=1,
        thumbnail_size=16,
        slice_axis="coronal",
        modality=("CT",),
        values="hu",
        slices=(3, 40),
        spacing=(0.5, 5),
        num_slices=3,
        intended_use="research",
        license="MIT",
        version="1.2.0",
    )
    assert class_names(metadata) == ("well", "ill")


def test_a_resolved_config_takes_precedence(metadata):
    assert Contract.from_metadata(metadata, thumbnail_size=32, classes=["a", "b"]).classes == ("a", "b")


def test_what_was_written_is_read_back(metadata):
    contract = Contract.from_metadata(metadata, classes=["a", "b", "c"], thumbnail_size=48, num_slices=None)

    written = contract.into_metadata(metadata)

    assert Contract.from_metadata(json.loads(json.dumps(written))) == contract
    assert written["network_data_format"]["outputs"]["pred"]["num_channels"] == 3
    assert written["network_data_format"]["inputs"]["image"]["spatial_shape"] == [48, 48, "*"]
    assert metadata["settings"]["num_slices"] == 3


def test_metadata_without_a_contract_say_where_to_read_on(metadata):
    del metadata["contract"]

    with pytest.raises(ValueError, match=r"^case.json has no contract; state one, see docs/contract.md$"):
        Contract.from_metadata(metadata, "case.json")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("modalty", "there is no field modalty; did you mean modality?"),
        ("zzz", "there is no field zzz; known are modality, body_part, dicom_attributes, values, slices"),
    ],
)
def test_an_unknown_field_is_named(metadata, name, message):
    metadata["contract"][name] = None

    with pytest.raises(ValueError, match=f"^metadata.json, contract: {message}"):
        Contract.from_metadata(metadata)


def test_metadata_without_classes_name_the_place(metadata):
    del metadata["network_data_format"]["outputs"]

    with pytest.raises(
        ValueError, match=r"^a\.json has no network_data_format, outputs, pred, channel_def; see the MO"
    ):
        class_names(metadata, "a.json")


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("classes", ["one"], "at least two different names"),
        ("classes", ["same", "same"], "at least two different names"),
        ("channels", 0, "a whole number from 1"),
        ("thumbnail_size", 2, "a whole number from 3"),
        ("thumbnail_size", "*", "a whole number from 3"),
        ("slice_axis", "z", "one of acquired, axial, coronal, sagittal"),
        ("intensity", {"scale": "log"}, "an object with a scale of range, window, percentiles, none"),
        ("intensity", {"scale": "window", "low": 2, "high": 1}, "a scale with low < high"),
        ("intensity", {"scale": "range", "low": 2}, "a scale with nothing else"),
        ("modality", "CT", "null, or a list of texts"),
        ("body_part", [], "null, or a list of texts"),
        (
            "dicom_attributes",
            {},
            "null, or by DICOM keyword at_least and at_most for numbers, contains with a list for t.*",
        ),
        ("values", "grey", "one of null, mask, hu, grey8, magnitude"),
        ("slices", [8, 4], "null, or two ascending whole numbers from 1"),
        ("spacing", [-1, 4], "null, or two ascending numbers from 0"),
        ("num_slices", 0, "a whole number from 1"),
        ("threshold", 1, "null, or for two classes a number between 0 and 1"),
        ("class_codes", {"other": {}}, "value, scheme and meaning by the name of a class"),
        ("license", None, "text"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_was_wanted(metadata, field, value, wanted):
    with pytest.raises(ValueError, match=f"^metadata.json, contract: {field} must be {wanted}, got "):
        Contract.from_metadata(metadata, **{field: value})


@pytest.mark.parametrize(
    ("keyword", "condition"),
    [
        ("EchoTimes", {"at_least": 70}),
        ("PatientName", {"contains": ["Jane"]}),
        ("EchoTime", 70),
        ("EchoTime", {}),
        ("EchoTime", {"at_lest": 70}),
        ("EchoTime", {"at_least": "70"}),
        ("EchoTime", {"at_least": True}),
        ("EchoTime", {"at_least": float("nan")}),
        ("EchoTime", {"at_least": 90, "at_most": 70}),
        ("EchoTime", {"contains": ["70"]}),
        ("ScanningSequence", {"at_least": 1}),
        ("ScanningSequence", {"contains": "IR"}),
        ("ScanningSequence", {"contains": []}),
        ("ScanningSequence", {"contains": [" "]}),
    ],
)
def test_a_condition_that_cannot_be_is_named_by_its_attribute(metadata, keyword, condition):
    metadata["contract"]["dicom_attributes"] = {"RepetitionTime": {"at_most": 9000}, keyword: condition}

    message = (
        rf"^metadata.json, contract: dicom_attributes must be null, or .* texts \({keyword} has none of these\), got "
    )
    with pytest.raises(ValueError, match=message):
        Contract.from_metadata(metadata)


def test_a_threshold_of_three_classes_is_refused(metadata):
    with pytest.raises(ValueError, match=r"for two classes a number between 0 and 1, got 0\.5"):
        Contract.from_metadata(metadata, classes=["a", "b", "c"], threshold=0.5)


@pytest.mark.parametrize(
    ("terms", "made_for"),
    [
        ({"modality": ("CT",), "body_part": ("HEAD", "BRAIN")}, ("CT", "HEAD")),
        ({"values": "hu"}, ("CT", "")),
        ({"modality": ("CT", "MR")}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_what_a_model_was_made_for_is_known_where_the_contract_leaves_one(terms, made_for):
    assert Contract(classes=("a", "b"), **terms).made_for == made_for
