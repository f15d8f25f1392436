"""One grouping of files into cases: acquired images, one case a series, however a PACS lays the files out."""

import shutil

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from monai_das.data import find_cases, open_source, survey_studies
from monai_das.datasets import write_dicom_series
from tests.data.pacs_export import flattened, write_export

KINDS = {
    "DICOM localizer": 2,
    "DICOM secondary capture": 1,
    "DICOM segmentation": 1,
    "DICOM Basic Text SR": 1,
    "DICOM Key Object Selection Document": 1,
}


@pytest.fixture
def nested(tmp_path):
    """A nested export, with ``uids`` of its CT series in ``nested.uids``."""
    (tmp_path / "nested").mkdir()
    return tmp_path / "nested", write_export(tmp_path / "nested")


def uids_of(path):
    """The SOPInstanceUIDs of a case, in order."""
    return [ref.sop_instance_uid for ref in open_source(path).refs]


def set_tags(folder, **tags):
    for path in folder.iterdir():
        found = dcmread(path)
        for keyword, value in tags.items():
            setattr(found, keyword, value)
        found.save_as(path)


def passed(*inputs, **options):
    return {each.format: each.count for each in survey_studies(inputs, **options).passed_over}


def test_a_flat_and_a_nested_export_give_the_same_two_cases(tmp_path, nested):
    folder, _ = nested
    flat = flattened(folder, tmp_path / "flat")

    cases, flat_cases = ([path for _, path in find_cases([each])] for each in (folder, flat))

    assert [path.name for path in cases] == ["002_abdomen 5 mm", "003_abdomen 1 mm"]
    assert [uids_of(path) for path in flat_cases] == [uids_of(path) for path in cases]
    assert [len(open_source(path)) for path in flat_cases] == [6, 9]
    assert passed(folder) == passed(flat) == KINDS


def test_a_flat_export_of_several_patients_has_the_cases_of_all(tmp_path, nested):
    folder, _ = nested
    (tmp_path / "other").mkdir()
    write_export(tmp_path / "other", patient="P2")
    flat = flattened(tmp_path / "other", flattened(folder, tmp_path / "flat"))

    assert sorted(len(open_source(path)) for _, path in find_cases([flat])) == [6, 6, 9, 9]


def test_the_path_of_a_series_opens_it_again_and_anywhere(tmp_path, nested):
    flat = flattened(nested[0], tmp_path / "flat")
    (_, first), _ = find_cases([flat])

    again = [open_source(str(first)).refs for _ in range(2)]

    assert first.name == f"flat#series={nested[1][0]}"
    assert again[0] == again[1] == open_source(flat, {"SeriesInstanceUID": nested[1][0]}).refs


def test_a_series_is_chosen_by_other_tags_too(tmp_path, nested):
    flat = flattened(nested[0], tmp_path / "flat")

    assert len(open_source(flat, {"SeriesDescription": "abdomen 1 mm"})) == 9
    assert len(open_source(flat, {"SeriesNumber": 2})) == 6
    with pytest.raises(ValueError, match=r"2 series in one folder, SeriesInstanceUID .* choose one .*--series"):
        open_source(flat, {"SeriesNumber": 77})


@pytest.mark.parametrize("wanted", ["abdomen 1 mm", "ABDOMEN 1*", "uid"])
def test_one_series_is_asked_for_by_uid_or_description(nested, wanted):
    folder, uids = nested

    survey = survey_studies([folder], series=uids[1] if wanted == "uid" else wanted)

    assert [len(open_source(path)) for _, path in survey.cases] == [9]
    assert passed(folder, series=uids[1])["another series"] == 10


def test_a_localizer_that_is_asked_for_is_a_case_with_a_warning(nested):
    ((_, path),) = survey_studies([nested[0]], series="overview").cases

    source = open_source(path)

    assert len(source) == 2
    assert source.warnings == ("not an acquired image, but a localizer",)


def test_a_segmentation_is_no_case_even_if_it_is_asked_for(nested):
    ((_, path),) = survey_studies([nested[0]], series="kidneys").cases

    with pytest.raises(ValueError, match=r"no acquired images, only .*1 x segmentation"):
        open_source(path)


def test_a_series_that_is_not_there_is_one_failed_case_that_lists_the_others(nested):
    folder, uids = nested
    ((_, path),) = survey_studies([folder], series="pelvis").cases

    with pytest.raises(
        ValueError, match=r"no series fits the one asked for; there are SeriesInstanceUID .*: choose"
    ) as caught:
        open_source(path)
    assert uids[0] in str(caught.value)
    assert "abdomen" not in str(caught.value)
    assert "abdomen 1 mm" in caught.value.finding.texts


def test_one_file_of_another_series_is_not_taken(nested):
    folder, uids = nested
    file = next((folder / "001_overview").iterdir())
    ((_, path),) = survey_studies([file], series=uids[0]).cases

    with pytest.raises(ValueError, match="no series fits the one asked for"):
        open_source(path)


@pytest.mark.parametrize("name", ["001_overview", "900_dose", "901_kidneys"])
def test_what_nobody_acquired_is_no_case_by_itself_and_is_named(nested, name):
    kind = {"001_overview": "2 x localizer", "900_dose": "1 x secondary capture", "901_kidneys": "1 x segmentation"}[
        name
    ]
    ((_, path),) = survey_studies([nested[0] / name]).cases

    with pytest.raises(ValueError, match=rf"no acquired images, only {kind}; give the acquired series, or choose one"):
        open_source(path)


@pytest.mark.parametrize(("name", "kind"), [("001_overview", "localizer"), ("901_kidneys", "segmentation")])
def test_a_localizer_and_a_segmentation_are_refused_as_single_files_too(nested, name, kind):
    file = next((nested[0] / name).iterdir())

    with pytest.raises(ValueError, match=f"a {kind}, no acquired image; give the series it belongs to"):
        open_source(file)


def test_a_secondary_capture_given_by_itself_is_read_with_a_warning(nested):
    source = open_source(next((nested[0] / "900_dose").iterdir()))

    assert source.warnings[0] == "not an acquired image, but a secondary capture"


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "reformat"),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]}, "reformat"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "projection or rendering"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen capture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "OTHER", "CT_SOM5 PROT"]}, "screen capture"),
        ({"SeriesDescription": "AAHead_Scout_32ch"}, "localizer"),
        ({"SeriesDescription": "3-plane LOCALISER"}, "localizer"),
        ({"Modality": "SEG"}, "segmentation"),
    ],
)
def test_what_was_computed_or_only_aims_the_scan_is_passed_over_by_name(tmp_path, series, volume, tags, kind):
    write_dicom_series(volume, tmp_path / "other")
    set_tags(series, **tags)

    assert [path.name for _, path in find_cases([tmp_path])] == ["other"]
    assert passed(tmp_path) == {f"DICOM {kind}": 4}


@pytest.mark.parametrize(
    "kind",
    [
        ["DERIVED", "PRIMARY", "AXIAL"],
        ["DERIVED", "SECONDARY", "AXIAL"],
        ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"],
        ["ORIGINAL", "PRIMARY", "M", "MPR"],
    ],
)
def test_other_derived_images_count_as_acquired(series, kind):
    set_tags(series, ImageType=kind)

    assert find_cases([series]) == [("series", series)]


def test_a_series_in_two_folders_is_one_case(tmp_path, series):
    (tmp_path / "rest").mkdir()
    for path in sorted(series.iterdir())[2:]:
        path.rename(tmp_path / "rest" / path.name)

    ((_, path),) = find_cases([tmp_path])

    assert len(open_source(path)) == len(open_source(path)) == 4


def test_a_folder_for_each_time_point_is_a_case_each(tmp_path, series):
    shutil.copytree(series, tmp_path / "second")
    for path in (tmp_path / "second").iterdir():
        found = dcmread(path)
        found.SOPInstanceUID, found.AcquisitionNumber = generate_uid(), 2
        found.save_as(path)

    assert [path.name for _, path in find_cases([tmp_path])] == ["second", "series"]


def test_a_copy_of_a_series_in_another_folder_counts_once(tmp_path, series):
    shutil.copytree(series, tmp_path / "backup")

    assert [path.name for _, path in find_cases([tmp_path])] == ["backup"]
    assert passed(tmp_path) == {"DICOM copy of an image": 4}


def test_series_of_one_uid_of_two_patients_are_two_cases(tmp_path, series):
    shutil.copytree(series, tmp_path / "other")
    for path in (tmp_path / "other").iterdir():
        found = dcmread(path)
        found.PatientID, found.SOPInstanceUID = "P2", generate_uid()
        found.save_as(path)

    assert len(find_cases([tmp_path])) == 2


def test_a_series_is_not_torn_apart_by_a_patient_id_that_changes(series):
    path = next(series.iterdir())
    found = dcmread(path)
    found.PatientID = "another"
    found.save_as(path)

    assert find_cases([series]) == [("series", series)]
    assert len(open_source(series)) == 4


def test_images_without_series_uid_belong_together_by_folder(tmp_path, series):
    shutil.copytree(series, tmp_path / "other")
    for folder in (series, tmp_path / "other"):
        for path in folder.iterdir():
            found = dcmread(path)
            del found.SeriesInstanceUID
            found.SOPInstanceUID = generate_uid()
            found.save_as(path)

    assert [len(open_source(path)) for _, path in find_cases([tmp_path])] == [4, 4]


def test_a_lost_slice_spoils_only_the_series_it_may_belong_to(tmp_path):
    flat = tmp_path / "flat"
    for number in range(2):
        write_dicom_series(np.zeros((8, 8, 4), np.int16), tmp_path / f"s{number}")
        for place, path in enumerate(sorted((tmp_path / f"s{number}").iterdir())):
            flat.mkdir(exist_ok=True)
            path.rename(flat / f"IM{10 * number + place}.dcm")
        (tmp_path / f"s{number}").rmdir()
    (flat / "IM14.dcm").touch()

    (_, first), (_, second) = sorted(find_cases([flat]), key=lambda case: "IM10" in str(sorted(flat.iterdir())))
    outcomes = []
    for path in (first, second):
        try:
            outcomes.append(open_source(path).warnings[0])
        except ValueError as error:
            outcomes.append(str(error))

    warned, refused = sorted(outcomes, key=lambda text: "may be slices" in text)
    assert "files beside the images are empty" in warned
    assert "file 9 of 9 by name (empty)" in warned
    assert "1 of its files may be slices, but are no DICOM: file 9 of 9 by name (empty)" in refused


@pytest.mark.parametrize("spoil", ["gap", "number"])
def test_a_broken_file_is_an_error_where_a_slice_is_missing(series, spoil):
    (series / "index.dat").write_bytes(b"\xff\xfe\xfd" * 99)
    files = sorted(series.iterdir(), key=lambda path: path.name)
    places = sorted((path for path in files if path.suffix == ".dcm"), key=lambda path: dcmread(path).InstanceNumber)
    if spoil == "gap":
        places[1].unlink()
    else:
        found = dcmread(places[-1])
        found.InstanceNumber += 1
        found.save_as(places[-1])

    with pytest.raises(ValueError, match=r"1 of its files may be slices.*index.dat \(297 bytes without the DICOM mark"):
        open_source(series)
