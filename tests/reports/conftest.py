"""A result as the predictor gives it, made by hand."""

import numpy as np
import pytest

from monai_das.data import SliceRef
from monai_das.inference import CasePictures, CaseResult, CaseTimings, DASModelInfo, SelectedSlice


def make_result(depth=12, chosen=(3, 7), colour=False, clip=False, classes=2, **changes):
    random = np.random.RandomState(0)
    refs = [
        SliceRef(index, "1.2.3", frame=index + 1, time_ms=40.0 * index)
        if clip
        else SliceRef(index, f"1.2.{index}", position_mm=(1.0, -2.0, 2.5 * index))
        for index in range(depth)
    ]
    scores = tuple(float(score) for score in random.rand(depth))
    names = ["normal", "hyperplasia", *[f"class {number}" for number in range(2, classes)]][:classes]
    shape = (len(chosen), 20, 30, 3) if colour else (len(chosen), 20, 30)
    values = {
        "case_id": "case",
        "source_kind": "dicom_multiframe" if clip else "dicom_series",
        "label": 0,
        "label_name": names[0],
        "probabilities": dict(zip(names, [1 - 0.1 * (classes - 1), *[0.1] * (classes - 1)], strict=True)),
        "selected": tuple(SelectedSlice(refs[index], scores[index]) for index in chosen),
        "scores": scores,
        "sampling_indices": tuple(chosen),
        "model": DASModelInfo("A model", "1.2.3", "ab" * 32),
        "timings": CaseTimings(1.0, 2.0, 3.0, 4.0),
        "pictures": CasePictures(
            random.randint(0, 255, shape, np.uint8),
            random.randint(0, 255, (20, depth), np.uint8),
            make_stack=lambda: np.random.RandomState(1).randint(0, 255, (depth, *shape[1:]), np.uint8),
        ),
    }
    return CaseResult(**(values | changes))


@pytest.fixture
def result():
    return make_result()


@pytest.fixture
def result_with():
    return make_result
