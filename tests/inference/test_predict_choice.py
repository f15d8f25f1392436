"""What ``monai-das predict`` takes of a folder: one series, echo or time point; and what it passes over."""

import json

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from monai_das.cli import main
from monai_das.datasets import write_dicom_series, write_nifti
from tests.bundle.bundle_runs import BUNDLE
from tests.case_folders import only_result, results
from tests.data.pacs_export import flattened, write_export


def predict(bundle, out, *words):
    return main(["predict", *map(str, words), "--bundle", str(bundle), "-o", str(out), "--report", "json"])


def passed_over(out):
    found = json.loads((out / "errors.json").read_text(encoding="utf-8"))
    assert found["errors"] == []
    return {each["format"]: each["count"] for each in found["passed_over"]}


@pytest.fixture
def export(tmp_path):
    (tmp_path / "nested").mkdir()
    uids = write_export(tmp_path / "nested", side=32)
    return flattened(tmp_path / "nested", tmp_path / "flat"), uids


def test_a_flat_export_gives_its_two_series_and_says_what_else_there_was(random_bundle, export, tmp_path, capsys):
    code = predict(random_bundle, tmp_path / "out", export[0])

    said = capsys.readouterr()
    assert code == 0
    assert "2 of 2 cases written" in said.out
    assert "passed over: 2 x DICOM localizer, 1 x DICOM " in said.err
    assert sum(passed_over(tmp_path / "out").values()) == 6
    assert str(tmp_path) not in (tmp_path / "out" / "errors.json").read_text(encoding="utf-8")
    assert {each["total_slices"] for each in results(tmp_path / "out").values()} == {6, 9}


def test_paths_of_what_was_passed_over_are_listed_with_phi_only(random_bundle, export, tmp_path):
    predict(random_bundle, tmp_path / "out", export[0], "--include-phi")

    found = json.loads((tmp_path / "out" / "errors.json").read_text(encoding="utf-8"))["passed_over"]
    assert sorted(len(each["paths"]) for each in found) == [1, 1, 1, 1, 2]


def test_a_flat_and_a_nested_export_have_the_same_ids(random_bundle, export, tmp_path):
    predict(random_bundle, tmp_path / "one", export[0])
    predict(random_bundle, tmp_path / "two", tmp_path / "nested")

    assert results(tmp_path / "one").keys() == results(tmp_path / "two").keys()


@pytest.mark.parametrize("wanted", ["abdomen 1 mm", "uid"])
def test_one_series_is_taken(random_bundle, export, tmp_path, wanted):
    code = predict(random_bundle, tmp_path / "out", export[0], "--series", export[1][1] if wanted == "uid" else wanted)

    assert code == 0
    assert only_result(tmp_path / "out")["total_slices"] == 9


def test_a_series_that_is_not_there_is_a_failed_case_without_texts(random_bundle, export, tmp_path, capsys):
    code = predict(random_bundle, tmp_path / "out", export[0], "--series", "pelvis")

    said = capsys.readouterr()
    assert code == 1
    assert "no series fits the one asked for; there are SeriesInstanceUID" in said.err
    assert "abdomen" not in said.err


@pytest.fixture
def two_echoes(tmp_path, volume):
    write_dicom_series(volume, tmp_path / "echoes")
    for number, path in enumerate(sorted((tmp_path / "echoes").iterdir())):
        found = dcmread(path)
        found.EchoNumbers = 1
        found.save_as(path)
        found.SOPInstanceUID, found.EchoNumbers = generate_uid(), 2
        found.InstanceNumber += 100
        found.save_as(path.with_name(f"echo{number}.dcm"))
    return tmp_path / "echoes"


@pytest.mark.parametrize("option", [["--echo", 2], ["--time-point", 1], ["--choose", "EchoNumbers=2"]])
def test_an_echo_is_taken_by_the_option_that_the_error_names(random_bundle, two_echoes, tmp_path, capsys, option):
    assert predict(random_bundle, tmp_path / "none", two_echoes) == 1
    assert "--echo" in capsys.readouterr().err

    assert predict(random_bundle, tmp_path / "out", two_echoes, *option) == 0

    chosen = only_result(tmp_path / "out")
    second = {str(dcmread(path).SOPInstanceUID) for path in two_echoes.glob("echo*")}
    assert {each["sop_instance_uid"] for each in chosen["selected_slices"]} <= second


def test_a_tag_without_value_is_a_usage_error(random_bundle, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        predict(random_bundle, tmp_path / "out", tmp_path, "--choose", "EchoNumbers")

    assert stopped.value.code == 2
    assert "give KEYWORD=VALUE, with a keyword of DICOM, as DiffusionBValue=800" in capsys.readouterr().err


def test_files_of_other_kinds_are_passed_over_where_a_series_is_asked_for(random_bundle, export, tmp_path, volume):
    write_nifti(volume, export[0] / "a.nii")

    assert predict(random_bundle, tmp_path / "out", export[0], "--series", export[1][0]) == 0
    assert passed_over(tmp_path / "out")["no DICOM series"] == 1


def error_of(out):
    (error,) = json.loads((out / "errors.json").read_text(encoding="utf-8"))["errors"]
    return error["error"] if isinstance(error, dict) else error


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("BRAIN", "BodyPartExamined (0018,0015) is BRAIN, ABDOMEN or ABDOMENPELVIS or ADRENAL"),
        ("", "many values, a mask of two values is accepted"),
    ],
)
def test_a_chosen_time_point_of_real_mr_is_refused_by_the_contract(data_root, tmp_path, part, reason):
    """Of GE, with several time points in one series; also where the header does not say what it shows."""
    for path in sorted((data_root / "dicom_nih" / "20180918GE" / "mr_0004").glob("*.dcm")):
        image = dcmread(path)
        image.BodyPartExamined = part
        (tmp_path / "study").mkdir(exist_ok=True)
        image.save_as(tmp_path / "study" / path.name)

    code = predict(BUNDLE, tmp_path / "out", tmp_path / "study", "--series", image.SeriesInstanceUID, "--time-point", 3)

    assert code == 1
    assert "the model was not made for this input" in error_of(tmp_path / "out")
    assert reason in error_of(tmp_path / "out")


def test_a_real_mosaic_is_no_stack_whatever_is_chosen(data_root, tmp_path):
    """Of Siemens: all slices in one picture."""
    study = data_root / "dicom_nih" / "20180918Si" / "mr_0003"

    code = predict(BUNDLE, tmp_path / "out", study, "--time-point", 1)

    assert code == 1
    assert "a Siemens mosaic, all slices in one picture" in error_of(tmp_path / "out")
