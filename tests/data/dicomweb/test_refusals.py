"""What is said when a DICOMweb server does not answer, does not let us in, or is none."""

import logging
import socket

import numpy as np
import pytest
import torch

pytest.importorskip("dicomweb_client")

import requests

from monai_das.data import DICOMwebSource
from monai_das.datasets import write_dicom_series
from tests.data.dicomweb_server import address, serving


@pytest.fixture
def server(tmp_path):
    """Serves a series of three slices."""
    write_dicom_series(np.zeros((8, 8, 3), np.int16), tmp_path / "series")
    with serving(tmp_path / "series") as running:
        yield running


def test_nobody_is_let_in_without_credentials(server):
    server.login = "alice:secret"

    with pytest.raises(
        PermissionError, match=r"lets only those in whom it knows \(401 Unauthorized\); give credentials"
    ):
        DICOMwebSource(address(server))


@pytest.fixture
def everything_logged(caplog, monkeypatch):
    """What the libraries that speak to servers log, whatever other tests have silenced."""
    for name, logger in logging.Logger.manager.loggerDict.items():
        if name.startswith(("dicomweb_client", "urllib3")) and isinstance(logger, logging.Logger):
            monkeypatch.setattr(logger, "disabled", False)
            caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_login_is_used_and_told_to_nobody(server, everything_logged):
    server.login = "alice:secret"
    session = requests.Session()
    session.auth = ("alice", "secret")
    with_login = address(server, 2).replace("http://", "http://alice:secret@")

    sources = [DICOMwebSource(address(server, 2), session=session), DICOMwebSource(with_login)]
    slices = [source.read([0]) for source in sources]

    assert torch.equal(*slices)
    assert everything_logged.messages
    assert all("secret" not in text for text in (*everything_logged.messages, *(source.name for source in sources)))


def test_a_study_that_is_not_there_is_named(server):
    with pytest.raises(FileNotFoundError, match=r"studies/1.2.3: the server has nothing there \(404 Not Found\)"):
        DICOMwebSource(f"{server.root}/studies/1.2.3")


def test_another_refusal_gives_its_number(server):
    server.draws = "never"
    source = DICOMwebSource(address(server))

    with pytest.raises(OSError, match="the server answers 501 Not Implemented; its log may say why"):
        source.picture(0, (8, 8), None)


def test_a_slow_server_is_not_waited_for(server):
    server.delay = 1.0

    with pytest.raises(TimeoutError, match=r"no answer within 0.1 s; is the server well\?"):
        DICOMwebSource(address(server), timeout=0.1)


def test_no_server_is_said():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

    with pytest.raises(ConnectionError, match="no server can be reached there; check host and port"):
        DICOMwebSource(f"http://127.0.0.1:{port}/studies/1.2.3")


def test_a_server_that_cannot_speak_securely_is_said(server):
    with pytest.raises(
        ConnectionError, match=r"no secure connection; is it http\? or name the file of its certificate"
    ):
        DICOMwebSource(address(server).replace("http://", "https://"))


def test_a_web_page_is_no_dicomweb(server):
    root = server.root.replace("dicom-web", "viewer")

    with pytest.raises(ValueError, match=r"what answers does not speak DICOMweb.* check the root of the address"):
        DICOMwebSource(f"{root}/studies/1.2.3")


def test_an_address_without_study_says_what_to_give(server):
    with pytest.raises(ValueError, match="not the address of a DICOMweb study; give ROOT/studies/UID or"):
        DICOMwebSource(server.root)
