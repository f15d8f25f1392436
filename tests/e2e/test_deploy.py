"""The MONAI Deploy application, run as its users run it, beside the command line."""

import tempfile

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_das.data import CASE_ID
from monai_das.datasets import write_dicom_series
from tests.e2e.deploy_runs import (
    ENVIRONMENT,
    LOADER,
    command_line,
    copied,
    referenced,
    run_as_in_a_container,
    run_deploy,
    site_packages_without,
    wheel_alone,
    write_head_ct,
)

PLANTED = {"PatientName": "PLANTED^NAME", "PatientID": "PLANTEDID", "SeriesDescription": "PLANTED TEXT"}


@pytest.fixture(scope="module", autouse=True)
def _environment():
    if not (ENVIRONMENT / "bin" / "python").exists():
        pytest.skip("no .venv-deploy; scripts/test_e2e.sh makes it")
    if not LOADER.exists():
        pytest.skip(f"{LOADER} is needed to hide a CUDA toolkit of the system")


def assert_same(ours, command):
    assert (ours["case_id"], ours["group"]) == (command["case_id"], command["group"])
    assert [each["index"] for each in ours["selected_slices"]] == [each["index"] for each in command["selected_slices"]]
    assert list(ours["probabilities"]) == list(command["probabilities"])
    np.testing.assert_allclose(
        list(ours["probabilities"].values()), list(command["probabilities"].values()), atol=1e-5, rtol=0
    )


def selected_indices(result):
    return {(each["sop_instance_uid"], each.get("frame")) for each in result["selected_slices"]}


def test_a_head_ct_gives_the_slices_and_numbers_of_the_command_line(tmp_path):
    series = tmp_path / "study" / "PLANTED-folder"
    write_head_ct(series, **PLANTED)

    run = run_deploy(tmp_path / "study", tmp_path / "out")

    assert run.code == 0, run.log
    assert run.cudart, "no CUDA runtime was loaded, this run proves nothing"
    assert all(path.startswith(str(ENVIRONMENT.resolve())) for path in run.cudart), run.cudart
    assert "PLANTED" not in run.log
    assert "PLANTED" not in (run.case / "result.json").read_text(encoding="utf-8")
    assert_same(run.result(), command_line(series, tmp_path / "predict"))
    for name in ("key_objects.dcm", "report.dcm"):
        assert referenced(run.case / name) == selected_indices(run.result())
        assert str(dcmread(run.case / name).PatientName) == "PLANTED^NAME"


def test_the_echo_clip_of_30_frames_gives_the_frames_and_numbers_of_the_command_line(tmp_path):
    clip = copied(get_testdata_file("examples_ybr_color.dcm", download=False), tmp_path / "study")

    run = run_as_in_a_container(clip, tmp_path / "out")

    assert run.code == 0, run.log
    assert run.result()["total_slices"] == 30
    assert_same(run.result(), command_line(clip, tmp_path / "predict"))
    assert referenced(run.case / "key_objects.dcm") == selected_indices(run.result())


def write_two_echoes(folder):
    """Write a series with two echoes at each of 12 positions; return its UID."""
    write_dicom_series(np.random.default_rng(1).integers(0, 255, (40, 32, 12)).astype(np.int16), folder)
    for number, path in enumerate(sorted(folder.iterdir())):
        echo = dcmread(path)
        echo.SeriesDescription, echo.EchoNumbers = "echoes", 1
        echo.save_as(path)
        echo.SOPInstanceUID, echo.EchoNumbers = generate_uid(), 2
        echo.save_as(path.with_name(f"echo{number}.dcm"))
    return str(echo.SeriesInstanceUID)


def test_a_bad_series_does_not_stop_a_good_one_with_oblong_pixels(tmp_path):
    """A second echo, which the SDK's loader drops in silence; and pixels for which its affine is wrong."""
    volume = np.random.default_rng(0).integers(0, 255, (40, 32, 12)).astype(np.int16)
    good = tmp_path / "study" / "good"
    write_dicom_series(volume, good, spacing=(0.5, 2.0, 2.5))
    failing = write_two_echoes(tmp_path / "study" / "two_echoes")

    run = run_deploy(tmp_path / "study", tmp_path / "out")

    assert run.code == 1
    (error,) = run.errors()
    assert failing in error["error"]
    assert "24 slices at 12 positions" in error["error"]
    assert [line for line in (*error.values(), run.log) if tempfile.gettempdir() in line] == []
    assert CASE_ID.fullmatch(error["case"])
    assert error["case"] != run.case.name
    assert_same(run.result(), command_line(good, tmp_path / "predict"))


@pytest.mark.parametrize("options", [["--echo", "2"], ["--choose", "EchoNumbers=1"]], ids=" ".join)
def test_one_of_two_echoes_is_chosen_as_on_the_command_line(tmp_path, options):
    write_two_echoes(tmp_path / "study")
    write_dicom_series(np.zeros((40, 32, 12), np.int16), tmp_path / "study" / "other")

    run = run_deploy(tmp_path / "study", tmp_path / "out", *options, "--series", "echoes")

    assert run.code == 0, run.log
    assert run.result()["total_slices"] == 12
    assert_same(run.result(), command_line(tmp_path / "study", tmp_path / "predict", *options, "--series", "echoes"))


def test_the_application_runs_by_the_wheel_that_its_requirements_name(tmp_path):
    wheel, clip = wheel_alone(tmp_path / "wheel"), tmp_path / "study"
    copied(get_testdata_file("examples_ybr_color.dcm", download=False), clip)

    run = run_deploy(clip, tmp_path / "out", PYTHONPATH=str(wheel))

    assert run.code == 0, run.log
    assert {path.name for path in run.case.iterdir()} == {"key_objects.dcm", "report.dcm", "result.json"}


def test_a_study_that_no_rule_fits_says_so(tmp_path):
    write_head_ct(tmp_path / "study", step=40, Modality="OT")

    run = run_deploy(tmp_path / "study", tmp_path / "out")

    assert run.code == 1
    assert "no series fits the rules, there are 1 of modality OT; change rules.json" in run.log
    assert "Traceback" not in run.log


@pytest.mark.parametrize(
    ("taken_away", "message"),
    [
        (("nvidia",), "libcudart.so.13, the CUDA runtime that Holoscan is linked to, is not found"),
        (("pydicom",), "pydicom is needed and is not installed"),
        (("highdicom",), "highdicom is needed and is not installed"),
        (("monai_deploy_app_sdk",), "monai-deploy-app-sdk is needed and is not installed"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_missing_library_is_named_in_one_line(tmp_path, taken_away, message):
    site = site_packages_without(tmp_path / "site", *taken_away)

    run = run_deploy(tmp_path, tmp_path / "out", PYTHONPATH=str(site))

    assert run.code == 1
    assert f"deploy_app: {message}; install the extra 'deploy' in an environment of its own" in run.log
    assert "Traceback" not in run.log
