"""Metadata and weights belong together: any field that changes numbers is refused, any other one is a warning."""

import json

import pytest
import torch

from monai_das.contract import (
    Contract,
    TrainingCases,
    check_weights,
    terms_in,
    training_cases,
    weight_terms,
    write_terms,
)
from monai_das.contract.training_cases import FEATURES
from monai_das.contract.weights import NOTES, REFUSED, terms_of
from monai_das.inference import Predictor
from tests.bundle.bundle_runs import BUNDLES
from tests.contract.contracts import edit_metadata

CASES = {"bundle": 1188, "lung_ultrasound": 260, "brain_flair": 80}
OTHER = {
    "classes": ("hyperplasia", "normal"),
    "channels": 3,
    "slice_axis": "coronal",
    "intensity": {"scale": "window", "low": 0, "high": 1},
    "modality": ("US",),
    "body_part": ("HEAD",),
    "dicom_attributes": {"EchoTime": {"at_least": 70}},
    "values": "hu",
    "slices": (1, 8),
    "spacing": (1.0, 2.0),
    "thumbnail_size": 32,
    "num_slices": 3,
    "threshold": 0.4,
    "class_codes": {"normal": {"value": "17621005", "scheme": "SCT", "meaning": "Normal"}},
    "intended_use": "anything",
    "license": "none",
    "version": "9.9.9",
}


@pytest.fixture
def metadata():
    return json.loads((BUNDLES[0] / "configs" / "metadata.json").read_text(encoding="utf-8"))


def test_every_field_is_held():
    assert {*REFUSED, *NOTES, "thumbnail_size"} == set(Contract.__dataclass_fields__) == set(OTHER)


@pytest.mark.parametrize("field", [*REFUSED, "thumbnail_size"])
def test_another_value_of_any_field_that_changes_numbers_is_refused(metadata, field):
    held = terms_of(Contract.from_metadata(metadata))
    other = Contract.from_metadata(metadata, **{field: OTHER[field]})

    with pytest.raises(ValueError, match=f"^{field}: the weights were made with .*, the bundle or config says "):
        check_weights(other, held, 64)


@pytest.mark.parametrize("field", NOTES)
def test_another_value_of_any_other_field_is_a_warning(metadata, field):
    held = terms_of(Contract.from_metadata(metadata))
    other = Contract.from_metadata(metadata, **{field: OTHER[field]})

    (warning,) = check_weights(other, held, 64)

    assert warning.startswith(f"{field}: the weights were made with ")


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_committed_weights_hold_the_contract_and_their_training_cases(folder):
    """After a change of the metadata run scripts/write_contract.py."""
    metadata = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    state = torch.load(folder / "models" / "model.pt", weights_only=True)

    assert check_weights(Contract.from_metadata(metadata), terms_in(state), int(state["thumbnail_side"])) == ()
    assert training_cases(terms_in(state)).cases == CASES[folder.name]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("contract#values", "hu"),
        ("contract#intensity", {"scale": "none"}),
        ("settings#slice_axis", "sagittal"),
        ("network_data_format#outputs#pred#channel_def", {"0": "hyperplasia", "1": "normal"}),
        ("network_data_format#inputs#image#spatial_shape", [32, 32, "*"]),
    ],
)
def test_a_bundle_with_other_metadata_than_its_weights_is_refused(own_bundle, place, value):
    def change(metadata):
        *path, last = place.split("#")
        for part in path:
            metadata = metadata[part]
        metadata[last] = value

    edit_metadata(own_bundle, change)

    with pytest.raises(ValueError, match=r"model\.pt does not fit the metadata: \w+: the weights were made with"):
        Predictor(own_bundle)


def test_a_bundle_with_other_notes_says_so_in_every_result(own_bundle, nifti):
    edit_metadata(own_bundle, lambda metadata: metadata.update(intended_use="diagnosis"))

    result = Predictor(own_bundle, num_slices=2).predict(nifti)

    assert len(result.notices) == 1
    assert result.notices[0].startswith("intended_use: the weights were made with ")
    assert result.notices[0].endswith('the bundle or config says "diagnosis"')


def test_weights_of_before_are_refused_and_can_be_given_a_contract(own_bundle):
    file = own_bundle / "models" / "model.pt"
    state = torch.load(file, weights_only=True)
    del state["contract.text"]
    torch.save(state, file)
    metadata = json.loads((own_bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))

    with pytest.raises(ValueError, match=r"model\.pt does not fit the metadata: the weights hold no contract"):
        Predictor(own_bundle)
    write_terms(file, metadata, TrainingCases.of([torch.rand(FEATURES) for _ in range(30)]))

    assert Predictor(own_bundle).model.training.cases == 30
    assert all(torch.equal(tensor, torch.load(file, weights_only=True)[name]) for name, tensor in state.items())
    assert list(file.parent.glob("*.pt")) == [file]


def test_a_contract_for_another_thumbnail_size_is_not_written(own_bundle):
    edit_metadata(
        own_bundle,
        lambda metadata: metadata["network_data_format"]["inputs"]["image"].update(spatial_shape=[32, 32, "*"]),
    )
    metadata = json.loads((own_bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))

    with pytest.raises(ValueError, match="was made with thumbnail_size=64, the metadata say 32"):
        write_terms(own_bundle / "models" / "model.pt", metadata)


def test_names_of_another_number_of_classes_are_refused(metadata):
    with pytest.raises(ValueError, match=r"num_classes is 3, but 2 classes have names: a, b; give --num_classes 2, or"):
        weight_terms(metadata, num_classes=3, classes=["a", "b"])


@pytest.mark.parametrize(
    ("given", "held"),
    [(["a", "b", "c"], ["a", "b", "c"]), (None, ["class 0", "class 1", "class 2"])],
)
def test_classes_that_the_metadata_do_not_name_never_get_their_names(metadata, given, held):
    assert weight_terms(metadata, num_classes=3, classes=given)["numbers"]["classes"] == held
