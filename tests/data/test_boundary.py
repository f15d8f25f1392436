"""Whatever a library raises while a study is read becomes one ValueError that names it and says why."""

import errno
import os
import struct
import zlib
from gzip import BadGzipFile

import pytest

from monai_das.data import Finding, SliceSource, StudyError, open_source
from monai_das.data.boundary import reading
from monai_das.data.messages import StudyNotFoundError


class PanicException(BaseException):
    """As PyO3 raises it where Rust panics: no Exception."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PanicException("index out of bounds"), r"a library failed on it \(PanicException\), "),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (MemoryError(), "needs more memory than there is"),
        (struct.error("unpack requires a buffer of 4 bytes"), "cut off: copy it again"),
        (EOFError(), "cut off: copy it again"),
        (zlib.error("Error -5 while decompressing data: incomplete or truncated stream"), "cut off: copy it again"),
        (zlib.error("Error -3 while decompressing data: invalid block type"), "compressed data are damaged"),
        (BadGzipFile("Not a gzipped file"), r"a library failed on it \(BadGzipFile\)"),
        (KeyError("PixelData"), r"a library failed on it \(KeyError\)"),
        (AssertionError(), "AssertionError"),
        (PermissionError(errno.EACCES, "Permission denied", "case"), "it may not be read; ask for the permission"),
        (OSError(errno.ELOOP, "Too many links", "case"), "a link that leads to itself"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "case"), "its path is too long"),
        (OSError(errno.EIO, "Input/output error", "case"), "the system cannot read it: Input/output error"),
        (
            UnicodeDecodeError("utf-8", b"\xfc", 0, 1, "invalid start byte"),
            r"a library failed .*UnicodeDecode",
        ),
        (ValueError(Finding("3 channels; convert it")), "^case: 3 channels; convert it$"),
    ],
)
def test_a_fault_is_one_value_error_that_names_the_study_and_the_reason(error, words):
    with pytest.raises(ValueError, match=words) as caught, reading("case"):
        raise error

    assert str(caught.value).startswith("case: ")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        StudyError("case", "two series"),
        StudyNotFoundError("case", "no such file"),
        ImportError("give the extra"),
    ],
)
def test_an_error_that_is_worded_already_passes(error):
    with pytest.raises(type(error)) as caught, reading("case"):
        raise error

    assert caught.value is error


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_stops_the_program_passes(stop):
    with pytest.raises(stop), reading("case"):
        raise stop


@pytest.mark.parametrize("act", ["thumbnails", "read", "header", "pixel_header"])
def test_every_source_reads_inside_the_boundary(act):
    def panic(self, wanted):
        raise PanicException("no JPEG")

    attributes = {"name": "case", "refs": (), "channels": 1, "plane_shape": (8, 8), "thumbnails": panic, "read": panic}
    source = type("Source", (SliceSource,), attributes | {act: panic})()

    with pytest.raises(ValueError, match=r"^case: a library failed on it"):
        getattr(source, act)([] if act == "read" else 0)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.dcm", "a.mp4"])
def test_links_to_themselves_and_to_nowhere_say_so(tmp_path, name):
    os.symlink(name, tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: a link that leads to itself"):
        open_source(tmp_path / name)

    (tmp_path / name).unlink()
    os.symlink("gone", tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: no such file or folder, or a link to one that is gone"):
        open_source(tmp_path / name)
