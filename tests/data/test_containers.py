"""Every container that FFmpeg opens is a case, whatever the file is called; what is none is named."""

import shutil

import av
import numpy as np
import pytest

from monai_das.data import find_cases, open_source, survey_studies
from monai_das.data.formats import content_name, format_name

# container, codec, pixel format, suffix
CLIPS = [
    ("mpeg", "mpeg1video", "yuv420p", "mpeg"),
    ("vob", "mpeg2video", "yuv420p", "vob"),
    ("mpegts", "mpeg2video", "yuv420p", "ts"),
    ("matroska", "mjpeg", "yuvj420p", "mkv"),
    ("webm", "libvpx", "yuv420p", "webm"),
    ("flv", "flv", "yuv420p", "flv"),
    ("avi", "mjpeg", "yuvj420p", "avi"),
    ("asf", "wmv2", "yuv420p", "wmv"),
    ("mov", "mjpeg", "yuvj420p", "mov"),
    ("mp4", "mpeg4", "yuv420p", "mp4"),
    ("ogg", "libvpx", "yuv420p", "ogv"),
    ("mxf", "mpeg2video", "yuv420p", "mxf"),
    ("nut", "mpeg4", "yuv420p", "nut"),
    ("yuv4mpegpipe", "wrapped_avframe", "yuv420p", "y4m"),
    ("ivf", "libvpx", "yuv420p", "ivf"),
    ("rm", "rv10", "yuv420p", "rm"),
    ("swf", "flv", "yuv420p", "swf"),
    ("gif", "gif", "rgb8", "gif"),
    ("mpeg1video", "mpeg1video", "yuv420p", "m1v"),
    ("wtv", "mpeg2video", "yuv420p", "wtv"),
]
FRAMES, SIDE = 6, 64


def write_clip(path, container, codec, pixels):
    """Write a clip of FRAMES frames, each brighter than the one before."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, pixels
        for number in range(FRAMES):
            values = np.full((SIDE, SIDE, 3), 30 + 30 * number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(values, "rgb24")):
                output.mux(packet)
        for packet in stream.encode():
            output.mux(packet)
    return path


@pytest.mark.parametrize(("container", "codec", "pixels", "suffix"), CLIPS, ids=[clip[0] for clip in CLIPS])
def test_a_clip_is_a_case_by_its_name_and_by_its_content(tmp_path, container, codec, pixels, suffix):
    if codec != "wrapped_avframe" and codec not in av.codecs_available:
        pytest.fail(f"this FFmpeg has no {codec}")
    (tmp_path / "named").mkdir()
    (tmp_path / "bare").mkdir()
    named = write_clip(tmp_path / "named" / f"clip.{suffix}", container, codec, pixels)
    bare = tmp_path / "bare" / "clip"
    shutil.copy(named, bare)

    assert [path for _, path in find_cases([tmp_path])] == [bare, named]
    for path in (bare, named):
        source = open_source(path)
        brightness = source.read(range(len(source))).mean((0, 1, 2))
        assert len(source) == FRAMES
        assert brightness.diff().min() > 15


# the kind of each file, and what it begins with
OTHERS = [
    ("PDF", b"%PDF-1.7 ..."),
    ("JPEG", b"\xff\xd8\xff\xe0" + bytes(20)),
    ("PNG", b"\x89PNG\r\n\x1a\n" + bytes(20)),
    ("TIFF", b"II*\0" + bytes(20)),
    ("WebP", b"RIFF\x10\0\0\0WEBPVP8 "),
    ("HEIC", b"\0\0\0\x18ftypheic" + bytes(20)),
    ("zip", b"PK\x03\x04" + bytes(30)),
    ("gzip", b"\x1f\x8b\x08" + bytes(30)),
    ("sound", b"RIFF\x10\0\0\0WAVEfmt "),
    ("sound", b"ID3\x03" + bytes(30)),
    ("HTML", b"\xef\xbb\xbf <!DOCTYPE html><html>"),
    ("XML", b"<?xml version='1.0'?>"),
    ("text", "Überblick".encode()),
    ("text", "Befund: keine".encode("utf-16")),
    ("text", b"BMI,age\n23,50\n"),
    ("HDF5", b"\x89HDF\r\n\x1a\n"),
    ("NumPy", b"\x93NUMPY\x01\0"),
    ("Office or thumbnails", b"\xd0\xcf\x11\xe0" + bytes(20)),
    ("NRRD", b"NRRD0004\n"),
    ("empty file", b""),
    ("zeros only", bytes(50)),
    ("unknown binary", b"\xfe\xfd\xfc" * 50),
]


@pytest.mark.parametrize(("name", "content"), OTHERS)
def test_what_is_no_case_is_named_by_its_content(tmp_path, name, content):
    (tmp_path / "file").write_bytes(content)

    assert format_name(tmp_path / "file") == content_name(content) == name
    (passed,) = survey_studies([tmp_path]).passed_over
    assert (passed.input, passed.format, passed.count) == (1, name, 1)


def test_many_files_of_one_kind_are_one_line(tmp_path):
    for number in range(150):
        (tmp_path / f"{number}.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")

    pdf, hidden = survey_studies([tmp_path]).passed_over

    assert (pdf.format, pdf.count, len(pdf.paths)) == ("PDF", 150, 100)
    assert (hidden.format, hidden.count) == ("hidden file or folder", 1)


def test_unknown_files_are_not_all_tried_as_videos(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr("monai_das.data.containers._decodes", lambda path: bool(tried.append(path)))
    for number in range(50):
        (tmp_path / f"{number}.raw").write_bytes(b"\xfe\xfd\xfc" * 50)

    (passed,) = survey_studies([tmp_path]).passed_over

    assert (passed.count, len(tried)) == (50, 20)


def test_a_text_or_picture_is_no_clip(tmp_path):
    (tmp_path / "code.ts").write_text("const a = 1;")
    (tmp_path / "G").write_text("G" * 4000)
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))

    found = {each.format: each.count for each in survey_studies([tmp_path]).passed_over}

    assert found == {"PNG": 1, "text": 2}
