import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom.uid import generate_uid

from monai_das.data import CaseKey, dicom_slice_refs, find_cases, open_source
from monai_das.datasets import write_dicom_series
from monai_das.deploy.series import make_cases, no_series_message, study_files
from tests.data.header_reads import counted_header_reads
from tests.data.pacs_export import flattened, write_export

KEY = CaseKey(b"a key of the tests, known to everyone")


def uids(folder):
    return sorted(case.uid for case in study_files(folder).grouping.cases)


def test_a_series_in_several_folders_becomes_one_case(study, scratch):
    files = sorted(study.rglob("*.dcm"))
    (study / "more").mkdir()
    files[0].rename(study / "more" / files[0].name)

    cases = make_cases(uids(study), study_files(study), scratch, KEY)

    assert [case.case_id for case in cases] == [KEY.case_id(open_source(cases[0].path))]
    assert len(dicom_slice_refs(cases[0].path)) == 6


def test_opening_the_cases_reads_no_header_again(study, scratch, monkeypatch):
    headers = counted_header_reads(monkeypatch)

    (case,) = make_cases(uids(study), study_files(study), scratch, KEY)

    assert len(open_source(case.path)) == 6
    assert headers == {path.resolve(): 1 for path in study.rglob("*.dcm")}


def test_only_selected_series_are_taken_in_the_order_of_the_rules_and_once(study, scratch, volume):
    write_dicom_series(volume, study / "second")
    write_dicom_series(volume, study / "third")
    first, second, _ = uids(study)

    cases = make_cases([second, first, second], study_files(study), scratch, KEY)

    assert [case.series for case in cases] == [second, first]


def test_no_file_name_reaches_the_links(study, scratch):
    make_cases(uids(study), study_files(study), scratch, KEY)

    assert sorted(path.name for path in (scratch / "00000").iterdir()) == [f"{n:05d}.dcm" for n in range(1, 7)]


def test_each_clip_of_a_series_is_a_case(tmp_path, scratch, make_clip_file):
    series = generate_uid()
    for name in ("a.dcm", "b.dcm"):
        make_clip_file(tmp_path / "clips" / name, series)

    cases = make_cases([series], study_files(tmp_path / "clips"), scratch, KEY)

    assert [case.path.is_file() for case in cases] == [True, True]
    assert [len(open_source(case.path)) for case in cases] == [4, 4]
    assert [case.case_id for case in cases] == [KEY.case_id(open_source(case.path)) for case in cases]
    assert len({case.case_id for case in cases}) == 2


def test_pixels_that_are_not_square_keep_their_spacing(study, scratch):
    """The SDK's volume operator swaps the two; ITK is the judge."""
    (case,) = make_cases(uids(study), study_files(study), scratch, KEY)
    files = [str(case.path / path.name) for path in sorted(case.path.iterdir())]
    judge = SimpleITK.ReadImage(files[0])

    affine = open_source(case.path).affine

    assert list(judge.GetSpacing())[:2] == [0.5, 2.0]
    np.testing.assert_allclose(np.linalg.norm(affine[:3, :3], axis=0), [0.5, 2.0, 2.5])


def test_a_second_echo_is_refused_where_the_sdk_drops_it(study, scratch):
    for number, path in enumerate(sorted(study.rglob("*.dcm"))):
        echo = dcmread(path)
        echo.SOPInstanceUID, echo.EchoNumbers = generate_uid(), 2
        echo.save_as(path.with_name(f"echo{number}.dcm"))
    (case,) = make_cases(uids(study), study_files(study), scratch, KEY)

    with pytest.raises(ValueError, match="12 slices at 6 positions"):
        open_source(case.path)


@pytest.mark.parametrize("length", [0, 100, 140])
def test_damaged_and_empty_files_fail_their_case_and_are_not_named(study, scratch, length):
    path = next(iter(sorted(study.rglob("*.dcm"))))
    path.write_bytes(path.read_bytes()[:length])

    (case,) = make_cases(uids(study), study_files(study), scratch, KEY)
    with pytest.raises(ValueError, match=r"may be slices, but are no DICOM: file 6|the DICOM header") as caught:
        open_source(case.path)
    assert "MEIER" not in str(caught.value)


def test_damaged_files_that_belong_to_no_series_are_counted(study, tmp_path):
    (tmp_path / "study" / "other").mkdir()
    (tmp_path / "study" / "other" / "IM1").write_bytes(bytes(128) + b"DICM" + bytes(3))

    with pytest.raises(ValueError, match=r"^1 DICOM files of the study are damaged or cut off; copy the study again$"):
        study_files(study).check_whole()


def test_a_flat_and_a_nested_export_give_the_cases_of_the_command_line(tmp_path, scratch):
    (tmp_path / "nested").mkdir()
    selected = write_export(tmp_path / "nested")
    flat = flattened(tmp_path / "nested", tmp_path / "flat")
    expected = {KEY.case_id(open_source(path)) for _, path in find_cases([flat])}

    for number, folder in enumerate((tmp_path / "nested", flat)):
        (scratch / str(number)).mkdir()
        files = study_files(folder)
        everything = dict.fromkeys(record.series for each in files.tree.folders.values() for record in each.images)
        cases = make_cases(list(everything), files, scratch / str(number), KEY)

        assert {case.case_id for case in cases} == expected
        assert sum(each.count for each in files.passed_over(selected)) == 6
        assert {each.format: each.count for each in files.passed_over(selected[:1])}[
            "image of a series that no rule fits"
        ] == 9


def test_what_no_rule_fits_is_listed_by_modality(study):
    assert no_series_message(study_files(study)) == (
        "no series fits the rules, there are 1 of modality MR; change rules.json"
    )


def test_a_folder_without_images_says_so(tmp_path):
    assert no_series_message(study_files(tmp_path)) == (
        "the input folder holds no DICOM image; give the folder of a study"
    )
