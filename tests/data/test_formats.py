"""A file is named by its content, as the libraries of each format write it."""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import wave
import zipfile

import numpy as np
import pytest
from PIL import Image

from monai_das.data.formats import LOOK, TEXT, UNKNOWN, content_name, format_name

PICTURES = {
    "PNG": "PNG", "JPEG": "JPEG", "GIF": "GIF", "TIFF": "TIFF", "BMP": "BMP", "WEBP": "WebP", "JPEG2000": "JPEG 2000",
    "PDF": "PDF",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), PICTURES.items())
def test_pictures_have_their_own_names(kind, name):
    stream = io.BytesIO()
    Image.new("L", (32, 32), 90).save(stream, kind)

    assert content_name(stream.getvalue()[:LOOK]) == name


def test_archives_and_files_of_programs_have_their_own_names(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.write(tmp_path / "a.txt")
    with tarfile.open(tmp_path / "tar", "w") as archive:
        archive.add(tmp_path / "a.txt", "a.txt")
    with wave.open(str(tmp_path / "sound"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(100))
    base = sqlite3.connect(tmp_path / "SQLite")
    base.execute("create table a (b)")
    base.close()
    for name, pack in (
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        ("gzip", gzip.compress),
        ("pickle", pickle.dumps),
    ):
        (tmp_path / name).write_bytes(pack(b"some words"))
    with (tmp_path / "NumPy").open("wb") as stream:
        np.save(stream, np.arange(3))
    (tmp_path / "a.txt").rename(tmp_path / "text")

    assert {path.name: format_name(path) for path in tmp_path.iterdir()} == {
        path.name: path.name for path in tmp_path.iterdir()
    }


@pytest.mark.parametrize(("start", "name"), [(b"MM\0*\0\0\0\x08", "TIFF"), (b"NES\x1a\1\1\0\0", "program")])
def test_marks_of_what_nothing_here_writes(start, name):
    assert content_name(start + bytes(32)) == name


def test_a_letter_may_be_cut_in_two_where_looking_ends_and_nowhere_else():
    words = ("a" + "é" * LOOK).encode()

    assert content_name(words[:LOOK]) == TEXT
    assert content_name(words[:100]) == UNKNOWN
    assert content_name(words[:50] + words[:LOOK][51:] + b"b") == UNKNOWN
