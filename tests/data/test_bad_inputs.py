"""Inputs that no study folder should hold: each is one failed case with its reason, and the others go on."""

import os
import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from monai_das.data import find_cases, find_studies, open_source
from monai_das.datasets import write_nifti


@pytest.fixture
def folder(tmp_path):
    """An input of its own, still empty."""
    found = tmp_path / "input"
    found.mkdir()
    return found


def reasons(*inputs):
    """What is wrong with each case of the inputs; None where it opens."""
    return [reason(path) for _, path in find_studies(inputs)]


def reason(path):
    """Why the case cannot be opened, without its path, which every reason begins with."""
    try:
        open_source(path)
    except (ValueError, FileNotFoundError) as error:
        place, _, words = str(error).partition(": ")
        return words if place.startswith(str(path)) else f"no path: {error}"
    return None


def nothing(folder):
    """An empty folder."""


def only_a_report(folder):
    shutil.copy(get_testdata_file("reportsi.dcm"), folder)


def missing(folder):
    folder.rmdir()


def no_folder_but_a_link_to_itself(folder):
    folder.rmdir()
    folder.symlink_to("input")


def a_pipe(folder):
    folder.rmdir()
    os.mkfifo(folder)


def a_pipe_inside(folder):
    os.mkfifo(folder / "a.nii")


def a_link_to_itself(folder):
    (folder / "a.nii.gz").symlink_to("a.nii.gz")


def a_link_to_nowhere(folder):
    (folder / "IM1").symlink_to("gone")


def a_broken_header(folder):
    (folder / "IM1").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x00\x00ZZ" + bytes(40))


def a_name_too_long(folder):
    folder.rmdir()
    return folder.parent / ("n" * 300)


BAD = [
    (nothing, "a folder without DICOM images; give a NIfTI file"),
    (only_a_report, "a folder without DICOM images"),
    (missing, "no such file or folder"),
    (no_folder_but_a_link_to_itself, "a link that leads to itself"),
    (a_pipe, "neither a file nor a folder, but a device, pipe or socket"),
    (a_pipe_inside, "neither a file nor a folder, but a device, pipe or socket"),
    (a_link_to_itself, "a link that leads to itself"),
    (a_link_to_nowhere, "a link to one that is gone"),
    (a_broken_header, "the DICOM header"),
    (a_name_too_long, "its path is too long for the system"),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_a_bad_input_is_one_failed_case_among_others(tmp_path, folder, volume, series, make, words):
    write_nifti(volume, tmp_path / "good.nii")
    given = make(folder) or folder

    first, found, last = reasons(tmp_path / "good.nii", given, series)

    assert words in found
    assert (first, last) == (None, None)


def test_a_folder_that_may_not_be_listed_is_a_failed_case(folder, volume, monkeypatch):
    write_nifti(volume, folder / "b" / "good.nii")
    closed = folder / "a"
    closed.mkdir(mode=0o000)
    if os.access(closed, os.R_OK):
        # root may read everything, so the system's answer is made here
        monkeypatch.setattr(Path, "iterdir", refusing(Path.iterdir, closed))
        monkeypatch.setattr(os, "scandir", refusing(os.scandir, closed))

    refused, good = reasons(folder)

    assert "it may not be read; ask for the permission" in refused
    assert good is None


def refusing(list_folder, closed):
    def listed(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return list_folder(path)

    return listed


def test_links_in_a_circle_are_walked_once(folder, volume):
    write_nifti(volume, folder / "a.nii")
    (folder / "deep").mkdir()
    for number in range(3):
        (folder / f"l{number}").symlink_to(".")
        (folder / "deep" / f"l{number}").symlink_to("..")

    assert find_cases([folder]) == [("a", folder / "a.nii")]


@pytest.fixture
def deepest(folder):
    """A folder below 1,500 others, which pytest could not remove."""
    deep = folder
    for _ in range(1500):
        deep /= "d"
        deep.mkdir()
    yield deep
    for each in (deep, *deep.parents[:1499]):
        for file in each.glob("*.nii"):
            file.unlink()
        each.rmdir()


def test_a_file_below_1500_folders_is_found_under_a_short_name(folder, deepest, volume):
    write_nifti(volume, folder / "a.nii")
    (folder / "a.nii").rename(deepest / "a.nii")

    ((name, path),) = find_cases([folder])

    assert path == deepest / "a.nii"
    assert name.endswith("d-d-a")
    assert len(name) <= 120


def test_a_name_in_a_broken_encoding_is_read(folder, volume):
    write_nifti(volume, folder / "a.nii")
    place = Path(os.fsdecode(os.fsencode(folder) + b"/M\xfcller.nii"))
    (folder / "a.nii").rename(place)

    ((name, path),) = find_studies([folder])

    assert (name, path) == ("M_ller", place)
    assert len(open_source(path)) == 4
