"""What lies beside the slices of a series: a lost slice is an error, other damage is told, notes are fine."""

import shutil

import pytest

from monai_das.data import find_cases, open_source


def files_of(folder):
    return sorted(folder.iterdir())


def renamed(folder, name):
    """Call the files of ``folder`` by ``name``, a pattern with the number."""
    for number, path in enumerate(files_of(folder)):
        path.rename(folder / name.format(number))
    return files_of(folder)


@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", r"\(empty\)"),
        (bytes(100), r"\(100 bytes, zeros only\)"),
        (bytes(9000), r"\(9000 bytes, the first 4096 of them zeros\)"),
        (b"\x08\0\xff", r"\(3 bytes, too short for DICOM\)"),
        (b"Session expired", r"\(a text\)"),
        (b"<html>Session expired</html>", r"\(HTML\)"),
        (bytes(140) + b"\xff" * 300, r"\(440 bytes without the DICOM mark\)"),
    ],
)
def test_a_slice_that_is_no_dicom_any_more_is_named_wherever_it_was(series, place, content, why):
    lost = files_of(series)[place]
    lost.write_bytes(content)

    with pytest.raises(ValueError, match=f"series: 1 of its files may be slices.*; copy them.*{lost.name} {why}"):
        open_source(series)


@pytest.mark.parametrize("name", ["I{}", "1.2.840.{}", "{}", "IM{}.IMA", "a{:04x}", "slice-{}.img", "MR.{}.7"])
def test_a_lost_slice_is_known_by_its_name(series, name):
    lost = renamed(series, name)[-1]
    lost.write_bytes(b"")

    with pytest.raises(ValueError, match=rf"{lost.name} \(empty\)"):
        open_source(series)


def test_a_lost_slice_may_have_its_suffix_alone_in_common(series):
    renamed(series, "slice-{}.img")
    (series / "scout.img").touch()

    with pytest.raises(ValueError, match=r"scout.img \(empty\)"):
        open_source(series)


@pytest.mark.parametrize("end", [".part", ".crdownload", ".tmp"])
def test_a_copy_that_was_broken_off_is_a_lost_slice(series, end):
    last = files_of(series)[-1]
    last.rename(f"{last}{end}").write_bytes(b"\x08\0")

    with pytest.raises(ValueError, match=f"{last.name}{end}"):
        open_source(series)


def test_many_lost_slices_are_counted(series):
    for number in range(5):
        (series / f"IM9000{number}.dcm").touch()

    with pytest.raises(ValueError, match=r"5 of its files may be slices.*IM90002.dcm .empty. and 2 more"):
        open_source(series)


def test_a_lost_slice_without_suffix_need_not_be_called_as_the_others(series):
    renamed(series, "I{}")
    (series / "final").write_bytes(b"\xff\xfe\xfd" * 99)

    with pytest.raises(ValueError, match=r"final \(297 bytes without the DICOM mark\)"):
        open_source(series)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\xfd" * 99])
def test_other_damage_beside_the_images_is_a_warning(series, content):
    (series / "index.dat").write_bytes(content)

    source = open_source(series)

    (warning,) = source.warnings
    assert len(source) == 4
    assert warning.startswith("1 files beside the images are empty or no file that is known: file 5 of 5 by name (")
    assert "[index.dat (" in warning
    assert "index" not in warning.plain


def test_notes_pictures_and_hidden_files_are_no_slices(series):
    renamed(series, "I{}")
    (series / "README").write_text("Überblick: " * 999, encoding="utf-8")
    (series / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (series / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(20))
    (series / "._I0").write_bytes(b"\0\5\x16\7")

    source = open_source(series)

    assert (len(source), source.warnings) == (4, ())


def test_an_empty_file_by_itself_is_named(tmp_path):
    (tmp_path / "a.dcm").touch()

    with pytest.raises(ValueError, match=r"a.dcm: not a DICOM image \(empty\); give a NIfTI file"):
        open_source(tmp_path / "a.dcm")


def test_a_folder_whose_slices_are_all_lost_is_a_case(series, tmp_path):
    shutil.copytree(series, tmp_path / "whole")
    for path in files_of(series):
        path.write_bytes(b"")

    assert [name for name, _ in find_cases([tmp_path])] == ["series", "whole"]
    with pytest.raises(ValueError, match=r"series: a folder without DICOM images"):
        open_source(series)
