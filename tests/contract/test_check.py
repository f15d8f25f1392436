"""Inputs that a model was not made for are refused with the reason, and unlike ones are marked."""

import numpy as np
import pytest
import torch
from pydicom import Dataset
from pydicom.data import get_testdata_file

from monai_das.contract import Contract, InputRefusedError, InputVerdict, TrainingCases
from monai_das.contract.check import header_reasons, slice_reasons, value_reasons
from monai_das.contract.training_cases import FEATURES
from monai_das.data import open_source
from monai_das.datasets import write_nifti
from monai_das.inference import Predictor, packaged_bundle
from tests.contract.contracts import change_contract, hold_contract

CT = Contract(("a", "b"), modality=("CT",), body_part=("ABDOMEN",), values="hu", slices=(8, 100), spacing=(0.5, 5.0))
CT_CLASS, CAPTURE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"


def header(**tags):
    found = Dataset()
    for name, value in {"Modality": "CT", "SOPClassUID": CT_CLASS, **tags}.items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize(
    ("tags", "reasons"),
    [
        ({}, []),
        ({"BodyPartExamined": "ABDOMEN"}, []),
        ({"Modality": "", "SOPClassUID": ""}, []),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"}, []),
        ({"Modality": "PT"}, ["Modality (0008,0060) is PT, CT is accepted"]),
        ({"BodyPartExamined": "HEAD"}, ["BodyPartExamined (0018,0015) is HEAD, ABDOMEN is accepted"]),
        (
            {"BodyPartExamined": "JANE DOE"},
            ["BodyPartExamined (0018,0015) is a value that is no term of the standard, ABDOMEN is accepted"],
        ),
        (
            {"SOPClassUID": CAPTURE},
            ["SOPClassUID (0008,0016) is Secondary Capture Image Storage, no image of CT"],
        ),
        ({"SOPClassUID": "1.2.3"}, ["SOPClassUID (0008,0016) is of another standard, no image of CT"]),
    ],
)
def test_headers(tags, reasons):
    assert header_reasons(CT, header(**tags)) == reasons


@pytest.mark.parametrize("tags", [{"Modality": "US"}, {"SOPClassUID": CAPTURE}, {"BodyPartExamined": "FOOT"}])
def test_a_contract_without_a_modality_and_part_takes_any(tags):
    assert header_reasons(Contract(("a", "b")), header(**tags)) == []


@pytest.mark.parametrize(
    ("depth", "spacing", "reasons"),
    [
        (8, 5.0, []),
        (100, None, []),
        (7, 1.0, ["7 slices, 8 to 100 are accepted"]),
        (101, 0.25, ["101 slices, 8 to 100 are accepted", "0.25 mm between slices, 0.5 to 5 mm are accepted"]),
    ],
)
def test_slices_and_spacing(depth, spacing, reasons):
    assert slice_reasons(CT, depth, spacing) == reasons


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ("mask", "a mask of two values"),
        ("hu", "Hounsfield units"),
        ("grey8", "8-bit grey, 0 to 255"),
        ("magnitude", "magnitudes, 0 and above"),
    ],
)
def test_values(values, name):
    image = torch.linspace(-5000, 900, 12 * 12 * 4).reshape(1, 12, 12, 4)

    reasons = value_reasons(Contract(("a", "b"), values=values), image)

    assert reasons == [f"values are -5000 to 900, many values, {name} is accepted"]
    assert value_reasons(Contract(("a", "b")), image) == []


def test_a_verdict_in_words():
    unlike = InputVerdict(("7 slices, 8 to 100 are accepted",), True, distance=12.34, limit=7.0)

    assert InputVerdict(distance=7.0, limit=7.0).notices == ()
    assert unlike.notices == (
        "NOT MADE FOR THIS INPUT (7 slices, 8 to 100 are accepted), run by --accept-any-input",
        "UNLIKE THE TRAINING DATA (distance 12.3, 99.5 % of the training cases lie within 7.0): do not rely on this "
        "answer",
    )


@pytest.fixture
def echo():
    return get_testdata_file("examples_ybr_color.dcm", download=False)


@pytest.fixture(scope="module")
def adrenal():
    return Predictor(packaged_bundle())


def test_the_adrenal_model_refuses_an_echo_clip_before_a_frame_is_read(adrenal, echo):
    source = open_source(echo)
    source.thumbnails = source.read = None

    message = (
        r"examples_ybr_color\.dcm: the model was not made for this input: Modality \(0008,0060\) is US, CT or MR is"
    )
    with pytest.raises(InputRefusedError, match=message):
        adrenal.predict(source)


def test_the_adrenal_model_refuses_a_picture_that_is_no_mask(adrenal, volume, tmp_path):
    write_nifti(np.repeat(volume, 2, axis=2), tmp_path / "noise.nii")

    message = (
        r"noise\.nii: the model was not made for this input: values are .*, many values, a mask of two values is acc"
    )
    with pytest.raises(InputRefusedError, match=message):
        adrenal.predict(tmp_path / "noise.nii")


def test_a_whole_volume_in_another_plane_is_checked_too(own_bundle, nifti):
    change_contract(own_bundle, values="mask", spacing=[3, 4])
    hold_contract(own_bundle)

    message = (
        "0.5 mm between slices, 3 to 4 mm are accepted; values are .*, many values, a mask of two values is accepted"
    )
    predictor = Predictor(own_bundle)
    predictor.model.preprocessing[1].slice_axis.axis = "coronal"
    with pytest.raises(InputRefusedError, match=message):
        predictor.predict(nifti)


def test_accept_any_input_classifies_it_and_says_so(echo):
    result = Predictor(packaged_bundle(), accept_any_input=True).predict(echo)

    assert len(result.input.reasons) == 3
    assert result.notices[0].startswith("NOT MADE FOR THIS INPUT (Modality (0008,0060) is US, CT or MR is accepted; ")
    assert result.notices[1].startswith("UNLIKE THE TRAINING DATA (distance ")


def test_a_case_unlike_the_training_data_is_marked(own_bundle, nifti):
    alike = [torch.rand(FEATURES, generator=torch.Generator().manual_seed(seed)) for seed in range(30)]
    predictor = Predictor(own_bundle, num_slices=2)
    object.__setattr__(predictor.model, "training", TrainingCases.of(alike))

    result = predictor.predict(nifti)

    assert result.input.unlike
    assert [notice[:24] for notice in result.notices] == ["UNLIKE THE TRAINING DATA"]


def test_weights_without_training_cases_judge_nothing(own_bundle, nifti):
    result = Predictor(own_bundle, num_slices=2).predict(nifti)

    assert (result.input.distance, result.notices) == (None, ())
