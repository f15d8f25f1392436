"""The server that the other tests of this folder stand on."""

import urllib.error
import urllib.request

import pytest

from monai_das.datasets import make_sample_volumes, write_dicom_series


@pytest.fixture
def series(tmp_path):
    write_dicom_series(make_sample_volumes(1, 32)[0]["image"][0], tmp_path / "series")
    return tmp_path / "series"


def test_what_is_stored_is_found_by_dicomweb(orthanc, series):
    stored = orthanc.upload(series)

    assert len(set(stored)) == 32
    assert len(orthanc.get("/dicom-web/instances")) == 32


def test_each_test_begins_with_an_empty_server(orthanc):
    assert orthanc.get("/dicom-web/studies") == []


def test_a_server_with_users_lets_nobody_else_in(start_orthanc):
    with (
        start_orthanc(RegisteredUsers={"alice": "secret"}) as server,
        pytest.raises(urllib.error.HTTPError, match="401"),
    ):
        urllib.request.urlopen(f"{server.dicomweb}/studies", timeout=10)
