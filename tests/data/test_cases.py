import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from monai_das.data import find_cases
from monai_das.datasets import write_nifti


def test_a_folder_of_cases_is_searched_in_order(tmp_path, series, volume):
    write_nifti(volume, tmp_path / "b.nii.gz")
    write_nifti(volume, tmp_path / "a" / "deep.nii")
    (tmp_path / "a" / "notes.txt").write_text("no case")
    (tmp_path / ".hidden.nii").write_text("no case")
    shutil.copy(get_testdata_file("DICOMDIR"), tmp_path / "DICOMDIR")

    assert find_cases([tmp_path]) == [
        ("a-deep", tmp_path / "a" / "deep.nii"),
        ("b", tmp_path / "b.nii.gz"),
        ("series", series),
    ]


def test_a_file_and_a_series_are_cases_by_themselves(tmp_path, series):
    file = tmp_path / "echo 1.dcm"
    shutil.copy(get_testdata_file("examples_ybr_color.dcm"), file)

    assert find_cases([str(series), file]) == [("series", series), ("echo_1", file)]


def test_each_of_several_clips_is_a_case(tmp_path, make_clip):
    first = make_clip("1.dcm")
    assert find_cases([tmp_path]) == [(tmp_path.name, tmp_path)]

    second = make_clip("2.dcm")
    assert find_cases([tmp_path]) == [("1", first), ("2", second)]


def test_clips_among_slices_are_cases_beside_the_folder(series, make_clip):
    clip = make_clip("series/clip.dcm")

    assert find_cases([series]) == [("series", series), ("clip", clip)]


def test_a_damaged_dicom_file_is_a_case_that_speaks_when_read(tmp_path):
    (tmp_path / "cut").write_bytes(bytes(128) + b"DICM" + bytes(3))

    assert find_cases([tmp_path]) == [(tmp_path.name, tmp_path)]


def test_a_video_is_a_case(tmp_path):
    for name in ("b.MP4", "a.gif", "c.txt"):
        (tmp_path / name).touch()

    assert find_cases([tmp_path]) == [("a", tmp_path / "a.gif"), ("b", tmp_path / "b.MP4")]


def test_reports_are_no_cases(tmp_path):
    shutil.copy(get_testdata_file("reportsi.dcm"), tmp_path / "report.dcm")

    with pytest.raises(ValueError, match="no case found; a case is a NIfTI file, a video or a folder with DICOM files"):
        find_cases([tmp_path])


def test_names_are_unique_and_safe_and_paths_count_once(tmp_path, volume):
    paths = [tmp_path / "one" / "Scan ü.nii", tmp_path / "two" / "scan_.nii", tmp_path / "three" / "....nii"]
    for path in paths:
        write_nifti(volume, path)

    cases = find_cases([*paths, paths[0], Path(tmp_path / "one")])

    assert [name for name, _ in cases] == ["Scan", "scan-2", "case"]


def test_no_input_says_what_to_give():
    with pytest.raises(ValueError, match="no input given; give NIfTI files"):
        find_cases([])


def test_a_missing_input_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        find_cases([tmp_path / "nowhere"])
