"""A result as the predictor gives it, made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from monai_das.cli import main
from monai_das.data import SliceRef, VolumeCase, WholeSource, open_source
from monai_das.data.source import as_image
from monai_das.datasets import write_dicom_series
from monai_das.inference import CaseResult, CaseTimings, DASModelInfo, NetworkView, SelectedSlice


def make_result(depth=12, selected_indices=(3, 7), colour=False, clip=False, classes=2, **changes):
    random = np.random.RandomState(0)
    refs = [
        SliceRef(index, "1.2.3", frame=index + 1, time_ms=40.0 * index)
        if clip
        else SliceRef(index, f"1.2.{index}", position_mm=(1.0, -2.0, 2.5 * index), instance_number=40 - index)
        for index in range(depth)
    ]
    scores = tuple(float(score) for score in random.rand(depth))
    names = ["normal", "hyperplasia", *[f"class {number}" for number in range(2, classes)]][:classes]
    shape = (len(selected_indices), 20, 30, 3) if colour else (len(selected_indices), 20, 30)
    values = {
        "case_id": "case",
        "source_kind": "dicom_multiframe" if clip else "dicom_series",
        "label": 0,
        "label_name": names[0],
        "probabilities": dict(zip(names, [1 - 0.1 * (classes - 1), *[0.1] * (classes - 1)], strict=True)),
        "selected": tuple(SelectedSlice(refs[index], scores[index]) for index in selected_indices),
        "scores": scores,
        "sampling_indices": tuple(selected_indices),
        "model": DASModelInfo("A model", "1.2.3", "ab" * 32),
        "timings": CaseTimings(1.0, 2.0, 3.0, 4.0),
        "refs": tuple(refs),
        "network_view": NetworkView(random.randint(0, 255, shape, np.uint8)),
    }
    return CaseResult(**(values | changes))


def pixels_of(result, *, colour=False, size=(30, 20)):
    """A source with the slices of ``result``: noise of whole numbers, or colours; 2 mm a pixel, unless it is a clip."""
    values = np.random.RandomState(1).randint(0, 1000, (3 if colour else 1, *size, result.total_slices))
    values = (values % 256 if colour else values).astype(np.float32)
    clip = result.refs[0].in_clip
    affine = np.eye(4) if clip else np.diag([2.0, 2.0, 2.5, 1.0])
    return WholeSource(VolumeCase(as_image(values, affine, "case"), result.refs, result.source_kind, not clip), "case")


@pytest.fixture(name="pixels_of")
def pixels_of_fixture():
    return pixels_of


@pytest.fixture
def result():
    return make_result()


@pytest.fixture
def result_with():
    return make_result


def result_of(source, selected_indices=(0, 2), **changes):
    """A result that speaks of these slices of ``source``."""
    result = make_result(depth=len(source), selected_indices=selected_indices, source_kind=source.kind, **changes)
    selected = tuple(SelectedSlice(source.refs[index], result.scores[index]) for index in selected_indices)
    return replace(result, selected=selected, refs=source.refs)


@pytest.fixture(scope="session")
def sample_series(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    volume = np.random.RandomState(0).randint(0, 255, (24, 20, 6)).astype(np.uint8)
    write_dicom_series(volume, folder, (0.5, 0.7, 2.0), patient_id="SAMPLE-17")
    return open_source(folder)


@pytest.fixture(scope="session")
def echo():
    """30 frames of a real echocardiogram."""
    return open_source(get_testdata_file("examples_ybr_color.dcm"))


@pytest.fixture(scope="session")
def sources(sample_series, echo):
    """By name: made up, a real CT with four slices, a real clip."""
    ct = Path(get_testdata_file("DICOMDIR")).parent / "77654033" / "CT2"
    return {"sample": sample_series, "ct": open_source(ct), "echo": echo}


@pytest.fixture(scope="session")
def result_for():
    return result_of


@pytest.fixture
def series(tmp_path):
    """A folder with three DICOM files and a file that is none."""
    write_dicom_series(np.zeros((8, 8, 3), np.uint8), tmp_path / "series")
    (tmp_path / "series" / "notes.txt").write_text("no DICOM")
    return tmp_path / "series"


@pytest.fixture
def store_archive():
    """Start a C-STORE server in a thread; the arguments are those of ``StoreArchive``."""
    from tests.archives import StoreArchive

    started = []

    def start(*arguments, **settings):
        started.append(StoreArchive(*arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def run_send(capfd, monkeypatch):
    """Run ``monai-das send`` with short waits; return its exit code and what it prints, to stdout and stderr."""
    monkeypatch.setattr("monai_das.reports.send.FIRST_WAIT", 0.01)

    def send(given, to, *options):
        code = main(["send", str(given), "--include-phi", "--to", to, *map(str, options)])
        return code, *capfd.readouterr()

    return send
