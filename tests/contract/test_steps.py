"""Preprocessing that contradicts the contract is refused."""

import json

import pytest

from monai_das.contract import Contract, check_steps
from monai_das.inference import Predictor
from monai_das.transforms import DASScaleIntensityd, SliceAxisd

CONTRACT = Contract(("a", "b"), thumbnail_size=32, slice_axis="axial")


def test_what_the_contract_says_passes():
    check_steps(
        CONTRACT, [SliceAxisd("image", "axial"), SliceAxisd("image", slice_dim=0), DASScaleIntensityd("image", 32)]
    )


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (SliceAxisd("image", "coronal"), "slice_axis: preprocessing has 'coronal', the contract in .* says 'axial'"),
        (DASScaleIntensityd("image", 64), "thumbnail_size: preprocessing has 64, the contract in the metadata says 32"),
        (
            DASScaleIntensityd("image", 32, intensity={"scale": "none"}),
            "intensity: preprocessing has {'scale': 'none'}, the contract in the metadata says {'scale': 'range'}",
        ),
        (
            DASScaleIntensityd("image", 32, (1.0, 99.0)),
            "intensity: preprocessing has {'scale': 'percentiles', 'low': 1",
        ),
    ],
)
def test_what_contradicts_it_is_named(step, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        check_steps(CONTRACT, [step])


def test_a_bundle_whose_config_was_edited_is_refused(own_bundle):
    path = own_bundle / "configs" / "inference.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["preprocessing"]["transforms"][2]["axis"] = "sagittal"
    path.write_text(json.dumps(config), encoding="utf-8")

    with pytest.raises(
        ValueError, match=r"inference\.json does not fit the metadata: slice_axis: preprocessing has 'sag"
    ):
        Predictor(own_bundle)
