"""Several requests at once give what one after the other gives: the order, the errors, no more than allowed."""

import numpy as np
import pytest
import torch
from pydicom import dcmread

pytest.importorskip("dicomweb_client")

from monai_das.data import DICOMwebSource, memory_limit, open_source
from monai_das.data.source import read_thumbnail, read_thumbnails
from monai_das.datasets import write_dicom_series
from tests.data.dicomweb_server import address, serving


@pytest.fixture
def server(tmp_path):
    """Serves a series of 10 slices of 12 columns and 9 rows, and takes its time."""
    write_dicom_series(np.arange(12 * 9 * 10, dtype=np.int16).reshape(12, 9, 10), tmp_path / "series")
    with serving(tmp_path / "series") as running:
        yield running


def opened(server):
    """Return the series that ``server`` serves, which waits before every answer from then on."""
    source = DICOMwebSource(address(server, 2))
    server.requests.clear()
    server.most, server.delay = 0, 0.2
    return source


def remove(server, uid):
    (file,) = [each for each in server.folder.iterdir() if dcmread(each).SOPInstanceUID == uid]
    file.unlink()


def test_up_to_four_slices_are_fetched_at_once_and_come_in_the_order_asked_for(server):
    places = [9, 0, 4, 4, 7, 1, 2, 8]

    slices = opened(server).read(places)

    assert torch.equal(slices, open_source(server.folder).read(places))
    assert 1 < server.most <= 4
    assert len(server.requests) == 7


def test_of_several_objects_that_are_gone_the_first_is_named_and_no_further_one_is_fetched(server):
    source = opened(server)
    first, second = (source.refs[place].sop_instance_uid for place in (1, 2))
    remove(server, first)
    remove(server, second)

    with pytest.raises(FileNotFoundError, match=rf"/instances/{first}: the server has nothing there \(404"):
        source.read(range(10))

    assert len(server.requests) < 10


def test_what_is_not_drawn_is_named(server):
    source, server.draws = opened(server), "never"

    with pytest.raises(OSError, match=rf"/instances/{source.refs[3].sop_instance_uid}: the server answers 501"):
        source.picture(3, (8, 8), None)


def test_frames_that_do_not_come_are_named(make_clip, tmp_path, edit):
    (tmp_path / "clip").mkdir()
    path = make_clip("clip/clip.dcm", StudyInstanceUID="1.2.3")

    with serving(tmp_path / "clip") as server:
        source, server.short = DICOMwebSource(address(server)), True
        with pytest.raises(
            ValueError, match=rf"/instances/{dcmread(path).SOPInstanceUID}: what answers does not speak"
        ):
            source.read([0, 1])


def test_where_the_server_does_not_draw_up_to_four_slices_are_fetched_at_once_for_thumbnails(server):
    source, server.draws = opened(server), "never"

    small = source.thumbnails(5)

    files = open_source(server.folder)
    assert 1 < server.most <= 4
    assert torch.equal(small, torch.stack([read_thumbnail(files, place, 5) for place in range(10)], dim=-1))


def test_no_more_slices_are_fetched_at_once_than_fit(server):
    source = opened(server)

    with memory_limit(8 * 4 * 12 * 9 * 2 - 1):
        small = read_thumbnails(source, 5)

    assert server.most == 1
    assert torch.equal(small, read_thumbnails(open_source(server.folder), 5))
