"""MPEG-2, H.264 and HEVC inside DICOM give the frames that PyAV gives for the bare stream, in order."""

import sys

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.encaps import encapsulate

pytest.importorskip("av")

import av

from monai_das.data import DICOMSource, find_cases, open_source
from monai_das.transforms import make_thumbnails
from tests.bad_files import stripped
from tests.data.video_clips import STREAMS, write_video_object


@pytest.fixture
def make_object(tmp_path, make_clip):
    """Write the stream ``name`` of 25 frames, and a DICOM object that holds it in ``parts``; return both paths."""

    def make(name="h264.ts", parts=1, **tags):
        return write_video_object(make_clip("us.dcm"), name, parts, **tags)

    return make


def frames_by_av(path):
    with av.open(path) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return torch.from_numpy(np.stack(frames).astype(np.float32)).permute(3, 2, 1, 0)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("parts", [1, 3])
def test_the_frames_are_those_of_the_bare_stream(make_object, name, parts):
    path, raw = make_object(name, parts, BurnedInAnnotation="NO")
    expected = frames_by_av(raw)

    source = open_source(path)

    assert (source.kind, len(source), source.channels, source.plane_shape) == ("dicom_multiframe", 25, 3, (64, 48))
    assert (source.affine, source.warnings) == (None, ())
    assert torch.equal(source.read([20, 3, 24]), expected[..., [20, 3, 24]])
    assert torch.equal(source.read_all().as_tensor(), expected)
    assert float((source.thumbnails(16) - make_thumbnails(expected[None], 16)[0]).abs().mean()) < 6.0


def test_frames_are_known_by_object_number_and_time(make_object):
    path, _ = make_object()
    uid = dcmread(path).SOPInstanceUID

    source = open_source(path)

    assert [ref.frame for ref in source.refs] == list(range(1, 26))
    assert {ref.sop_instance_uid for ref in source.refs} == {uid}
    assert [ref.time_ms for ref in source.refs][:3] == [0.0, 40.0, 80.0]
    assert source.header(3).SOPInstanceUID == uid
    assert "may hold burned-in text" in source.warnings[0]


def test_without_preamble_it_is_the_same(make_object):
    path, _ = make_object(BurnedInAnnotation="NO")
    expected = open_source(path).read([3])
    stripped(path, meta=True)

    source = open_source(path)

    assert torch.equal(source.read([3]), expected)
    assert source.header(0).NumberOfFrames == 25


def test_it_is_a_case_and_so_is_a_folder_with_it(make_object):
    path, _ = make_object()

    assert [found for _, found in find_cases([path])] == [path]


def test_another_number_of_frames_is_warned_of(make_object):
    path, _ = make_object(NumberOfFrames=20, BurnedInAnnotation="NO")

    source = open_source(path)

    assert len(source) == 25
    assert source.warnings == (
        "NumberOfFrames (0028,0008) is 20, but the video inside has 25 frames, and all are taken",
    )
    assert source.refs[24].time_ms == pytest.approx(960.0)


def test_another_size_is_an_error_with_the_tags(make_object):
    path, _ = make_object(Rows=40)

    with pytest.raises(ValueError, match=r"us.dcm: Rows and Columns \(0028,0010 and 0011\) are 40 and 64, but .* 48 "):
        open_source(path)


def test_a_damaged_stream_names_the_file(make_object):
    path, _ = make_object()
    found = dcmread(path)
    found.PixelData = encapsulate([b"no video at all" * 20])
    found["PixelData"].is_undefined_length = True
    found.save_as(path)

    with pytest.raises(ValueError, match=r"us.dcm: FFmpeg cannot read the video"):
        open_source(path)


def test_without_the_extra_the_error_says_what_to_install(make_object, monkeypatch):
    path, _ = make_object()
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "av.video.reformatter", None)

    with pytest.raises(ImportError, match=r"monai-das\[video\]"):
        open_source(path)


def test_elsewhere_than_in_a_file_by_itself_it_is_refused(make_object):
    path, _ = make_object()

    with pytest.raises(ValueError, match=r"us.dcm: a video inside DICOM, TransferSyntaxUID \(0002,0010\) is .*\.102"):
        DICOMSource(path)
