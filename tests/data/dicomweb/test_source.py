"""Studies over HTTP against the same files on disk; a real Orthanc is in tests/e2e/test_dicomweb_orthanc.py."""

import shutil

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

pytest.importorskip("dicomweb_client")

from monai_das.data import DICOMwebSource, open_source
from monai_das.data.dicomweb.service import multipart
from monai_das.datasets import make_sample_volumes, write_dicom_series
from monai_das.transforms import make_thumbnails
from tests.data.dicomweb_server import address, serving


@pytest.fixture
def ct(tmp_path):
    """A folder with a series of 12 slices of 32 columns and 24 rows."""
    volume = make_sample_volumes(1, 32)[0]["image"][0][..., 10:22].astype(np.int16) * 10 - 500
    write_dicom_series(volume[:, :24], tmp_path / "ct")
    return tmp_path / "ct"


@pytest.fixture
def server(ct):
    with serving(ct) as running:
        yield running


@pytest.fixture
def echo(tmp_path):
    """The real colour echo clip of 30 frames, JPEG, served."""
    (tmp_path / "echo").mkdir()
    shutil.copy(get_testdata_file("examples_ybr_color.dcm"), tmp_path / "echo")
    with serving(tmp_path / "echo") as running:
        yield running


@pytest.mark.parametrize("depth", [1, 2], ids=["study", "series"])
def test_a_series_is_what_its_files_are(server, ct, depth):
    files = open_source(ct)

    source = open_source(address(server, depth))

    assert (source.kind, source.channels, source.plane_shape) == ("dicomweb", 1, files.plane_shape)
    assert source.refs == files.refs
    np.testing.assert_array_equal(source.affine, files.affine)
    assert torch.equal(source.read([11, 3, 11]), files.read([11, 3, 11]))


def test_only_the_chosen_slices_are_fetched(server):
    source = DICOMwebSource(address(server, 2))
    server.requests.clear()

    source.read([7, 2])

    wanted = {source.refs[place].sop_instance_uid for place in (2, 7)}
    assert {path.rpartition("/")[2] for path in server.requests} == wanted
    assert len(server.requests) == 2


def test_only_the_chosen_frames_are_fetched(echo):
    source, files = DICOMwebSource(address(echo)), open_source(next(echo.folder.iterdir()))
    echo.requests.clear()

    frames = source.read([9, 2])

    assert [path.rpartition("/")[2] for path in echo.requests] == ["3,10"]
    assert torch.equal(frames, files.read([9, 2]))
    assert source.refs == files.refs
    assert source.affine is None
    assert source.header(2).NumberOfFrames == 30


def test_frames_of_an_enhanced_object_keep_their_rescale(make_enhanced, tmp_path):
    path = make_enhanced()
    found = dcmread(path)
    found.StudyInstanceUID = "1.2.3"
    (tmp_path / "mr").mkdir()
    found.save_as(tmp_path / "mr" / "enhanced.dcm")
    files = open_source(path)

    with serving(tmp_path / "mr") as server:
        source = DICOMwebSource(address(server))
        slices = source.read([3, 0])

    assert torch.equal(slices, files.read([3, 0]))
    assert [ref.frame for ref in source.refs] == [2, 4, 3, 1]
    np.testing.assert_array_equal(source.affine, files.affine)


def test_thumbnails_are_drawn_and_taken_back_to_the_units_of_the_slices(server, ct):
    source = DICOMwebSource(address(server, 2))
    truth = make_thumbnails(open_source(ct).read_all().as_tensor()[None], 8)[0]

    drawn = source.thumbnails(8)

    assert source.drawn
    assert drawn.shape == (1, 8, 8, 12)
    assert np.corrcoef(drawn.flatten(), truth.flatten())[0, 1] > 0.97
    assert float((drawn - truth).abs().median()) < 1.2 * float(truth.max() - truth.min()) / 255
    assert (float(drawn.min()), float(drawn.max())) == pytest.approx((float(truth.min()), float(truth.max())), abs=1e-3)
    assert sum("rendered" not in path for path in server.requests) == 1 + 5 + 1


def test_a_slice_brighter_than_the_probes_does_not_burn_out(server, ct):
    (bright,) = [
        file for file in ct.iterdir() if dcmread(file).SOPInstanceUID == open_source(ct).refs[4].sop_instance_uid
    ]
    found = dcmread(bright)
    found.PixelData = (found.pixel_array * 3 + 5000).astype("<i2").tobytes()
    found.save_as(bright)
    source = DICOMwebSource(address(server, 2))
    truth = make_thumbnails(open_source(ct).read_all().as_tensor()[None], 8)[0]

    drawn = source.thumbnails(8)

    assert source.drawn
    assert float(truth.max()) > 5000
    assert float(drawn.max()) == pytest.approx(float(truth.max()))


def test_inverted_drawings_are_turned_round(server, ct, edit):
    for file in ct.iterdir():
        edit(file, PhotometricInterpretation="MONOCHROME1")
    source = DICOMwebSource(address(server, 2))
    truth = make_thumbnails(open_source(ct).read_all().as_tensor()[None], 8)[0]

    drawn = source.thumbnails(8)

    assert source.drawn
    assert np.corrcoef(drawn.flatten(), truth.flatten())[0, 1] > 0.97


@pytest.mark.parametrize("draws", ["noise", "never"])
def test_where_the_server_draws_badly_thumbnails_are_made_here(server, ct, draws):
    server.draws = draws
    source = DICOMwebSource(address(server, 2))
    truth = make_thumbnails(open_source(ct).read_all().as_tensor()[None], 8)[0]

    torch.testing.assert_close(source.thumbnails(8), truth, rtol=0, atol=1e-3)
    assert not source.drawn


def test_colour_is_drawn_in_colour(echo):
    source = DICOMwebSource(address(echo))
    files = open_source(next(echo.folder.iterdir()))
    truth = make_thumbnails(files.read_all().as_tensor()[None], 16)[0]

    drawn = source.thumbnails(16)

    assert source.drawn
    assert drawn.shape == truth.shape
    assert float((drawn - truth).abs().mean()) < 3.0


def test_no_slice_asked_for_is_no_slice(server):
    assert DICOMwebSource(address(server)).read([]).shape == (1, 32, 24, 0)


def test_headers_come_without_pixels(server):
    source = DICOMwebSource(address(server, 2))

    header = source.header(4)

    assert header.SOPInstanceUID == source.refs[4].sop_instance_uid
    assert not header.get("PixelData")


def test_several_series_are_told_apart_and_one_can_be_chosen(server, ct):
    more = ct.with_name("more")
    write_dicom_series(np.zeros((32, 24, 3), np.int16), more)
    study = server.objects(None, None, None)[0].StudyInstanceUID
    for number, file in enumerate(sorted(more.iterdir())):
        found = dcmread(file)
        found.StudyInstanceUID, series = study, found.SeriesInstanceUID
        found.save_as(ct / f"more{number}.dcm")

    with pytest.raises(ValueError, match=r"studies/[\d.]+: 2 series .*choose one by its SeriesInstanceUID"):
        open_source(address(server, 1))
    assert len(open_source(address(server, 1), {"SeriesInstanceUID": series})) == 3


def test_a_series_of_reports_has_no_image(tmp_path):
    (tmp_path / "sr").mkdir()
    shutil.copy(get_testdata_file("reportsi.dcm"), tmp_path / "sr")

    with (
        serving(tmp_path / "sr") as server,
        pytest.raises(FileNotFoundError, match="1 objects and no image among them; give a series of images"),
    ):
        DICOMwebSource(address(server))


def test_frames_that_do_not_come_are_missed(echo):
    source, echo.short = DICOMwebSource(address(echo)), True

    with pytest.raises(ValueError, match=r"does not speak DICOMweb \(2 frames asked for, 1 came\)"):
        source.read([0, 1])


def test_pixels_that_cannot_be_decoded_are_said_without_the_path_of_a_file_that_is_gone(echo):
    source = DICOMwebSource(address(echo))
    (file,) = echo.folder.iterdir()
    found = dcmread(file)
    found.PixelData = encapsulate([b"no JPEG, "] * 30)
    found.save_as(file)

    with pytest.raises(ValueError, match=r"instances/[\d.]+: slice 0 cannot be decoded: (?!.*monai-das-)"):
        source.read([0])


def test_an_answer_that_is_not_multipart_is_refused():
    with pytest.raises(ValueError, match="multipart/related was asked for, another kind came"):
        multipart("text/html", b"")


def test_parts_without_a_transfer_syntax_are_explicit_little_endian():
    parts = multipart("multipart/related; boundary=x", b"--x\r\nA: b\r\n\r\n12\r\n3\r\n--x\r\n\r\n4\r\n--x--\r\n")

    assert parts == ([b"12\r\n3", b"4"], "1.2.840.10008.1.2.1")
