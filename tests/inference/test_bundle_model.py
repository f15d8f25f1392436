import json
from pathlib import Path

import pytest
import torch

from monai_das.datasets import write_nifti
from monai_das.inference import Predictor, bundle_class_names
from tests.contract.contracts import edit_metadata, hold_contract


def edit(bundle, file, **items):
    """Change items of a config; None removes one."""
    path = bundle / "configs" / file
    config = json.loads(path.read_text()) | items
    removed = {key for key, value in items.items() if value is None}
    path.write_text(json.dumps({key: value for key, value in config.items() if key not in removed}))


def test_name_version_and_classes_come_from_the_metadata(own_bundle):
    edit(own_bundle, "metadata.json", name="A name", version="7.8.9")

    model = Predictor(own_bundle).model

    assert (model.info.name, model.info.version) == ("A name", "7.8.9")
    assert (model.contract.channels, model.contract.classes) == (1, ("normal", "hyperplasia"))
    assert not any("LoadImage" in type(step).__name__ for step in model.preprocessing)


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a bundle: it has no configs.inference\.json"):
        Predictor(tmp_path)


def test_missing_weights(own_bundle):
    (own_bundle / "models" / "model.pt").unlink()

    with pytest.raises(FileNotFoundError, match=r"model\.pt: the bundle has no weights; train it"):
        Predictor(own_bundle)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_damaged_weights(own_bundle, content):
    (own_bundle / "models" / "model.pt").write_bytes(content)

    with pytest.raises(ValueError, match=r"model\.pt is not a state dict of tensors"):
        Predictor(own_bundle)


@pytest.mark.parametrize("stored", [torch.zeros(3), {"state": {"weight": torch.zeros(3)}}, ["weight"]])
def test_weights_of_another_form_or_network(own_bundle, stored):
    torch.save(stored, own_bundle / "models" / "model.pt")

    with pytest.raises(ValueError, match=r"model\.pt (is not a state dict of tensors|does not fit network_def)"):
        Predictor(own_bundle)


def test_pickled_objects_are_not_executed(own_bundle):
    torch.save({"weight": print}, own_bundle / "models" / "model.pt")

    with pytest.raises(ValueError, match=r"model\.pt is not a state dict of tensors"):
        Predictor(own_bundle)


def test_a_config_without_network(own_bundle):
    edit(own_bundle, "inference.json", network_def=None, network=None, evaluator=None, handlers=None)

    with pytest.raises(ValueError, match=r"inference\.json has no network_def"):
        Predictor(own_bundle)


def test_a_network_that_selects_no_slices(own_bundle):
    edit(own_bundle, "inference.json", network_def={"_target_": "torch.nn.Flatten"})

    with pytest.raises(ValueError, match="must be a monai_das network with score and classify, got Flatten"):
        Predictor(own_bundle)


def test_metadata_without_formats(own_bundle):
    edit(own_bundle, "metadata.json", network_data_format=None)

    with pytest.raises(ValueError, match=r"metadata\.json has no network_data_format, inputs, image, num_channels"):
        Predictor(own_bundle)


def test_preprocessing_that_is_one_transform_without_an_axis(own_bundle, nifti):
    edit(own_bundle, "inference.json", preprocessing={"_target_": "ScaleIntensityd", "keys": "image"})

    result = Predictor(own_bundle, num_slices=3).predict(nifti)

    assert (result.total_slices, len(result.selected)) == (12, 3)


def test_preprocessing_that_forgets_the_metadata(own_bundle, nifti):
    edit_metadata(own_bundle, lambda metadata: metadata["settings"].update(slice_axis="coronal"))
    hold_contract(own_bundle)
    edit(
        own_bundle,
        "inference.json",
        preprocessing={
            "_target_": "Compose",
            "transforms": [
                {"_target_": "monai_das.transforms.SliceAxisd", "keys": "image", "axis": "coronal"},
                {"_target_": "EnsureTyped", "keys": "image", "track_meta": False},
            ],
        },
    )

    result = Predictor(own_bundle, num_slices=3).predict(nifti)

    assert result.total_slices == 32
    assert result.network_view.slices.shape == (3, 12, 40)
    assert result.network_view.pixel_aspect == pytest.approx(4.0)


def test_preprocessing_that_drops_slices(own_bundle, nifti):
    resize = {"_target_": "Resized", "keys": "image", "spatial_size": [64, 64, 8]}
    edit(own_bundle, "inference.json", preprocessing=resize)

    with pytest.raises(ValueError, match="12 slices became 8; preprocessing must keep all of them"):
        Predictor(own_bundle).predict(nifti)


def test_postprocessing_that_loses_the_probabilities(own_bundle, nifti):
    edit(own_bundle, "inference.json", postprocessing={"_target_": "AsDiscreted", "keys": "pred", "argmax": True})

    with pytest.raises(ValueError, match=r"postprocessing must give 2 probabilities, one for each of normal, hyper"):
        Predictor(own_bundle).predict(nifti)


def test_channels_that_do_not_fit(own_bundle, volume, tmp_path):
    metadata = json.loads((own_bundle / "configs" / "metadata.json").read_text())
    metadata["network_data_format"]["inputs"]["image"]["num_channels"] = 2
    edit(own_bundle, "metadata.json", **metadata)
    hold_contract(own_bundle)
    write_nifti(volume, tmp_path / "grey.nii")

    with pytest.raises(ValueError, match=r"grey\.nii: 1 channels, the bundle's network expects 2; convert it first"):
        Predictor(own_bundle).predict(tmp_path / "grey.nii")


def test_the_metadata_alone_name_the_classes(own_bundle):
    assert bundle_class_names(own_bundle) == ("normal", "hyperplasia")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", r"metadata\.json: no JSON \("),
        ("{}", r"metadata\.json has no network_data_format, outputs"),
    ],
)
def test_metadata_that_name_no_classes(own_bundle, text, message):
    (own_bundle / "configs" / "metadata.json").write_text(text)

    with pytest.raises(ValueError, match=message):
        bundle_class_names(own_bundle)


def test_the_weights_are_read_once(own_bundle, monkeypatch):
    read, loaded = [], []
    read_bytes, load_state_dict = Path.read_bytes, torch.nn.Module.load_state_dict
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or read_bytes(path))
    monkeypatch.setattr(
        torch.nn.Module, "load_state_dict", lambda *args: loaded.append(args[0]) or load_state_dict(*args)
    )

    model = Predictor(own_bundle).model

    assert read.count("model.pt") == 1
    assert loaded == [model.network]
