"""Each server is told who asks, no other is, and nothing that can be printed holds a password."""

import pytest

pytest.importorskip("requests")

import requests

from monai_das.data import dicomweb_session
from monai_das.data.dicomweb.login import ServerLogins

HERE = "https://alice:s%3Acret@here.org:8042/dicom-web/studies/1.2"


def header(session, address):
    prepared = session.prepare_request(requests.Request("GET", address))
    return prepared.headers.get("Authorization")


def test_nobody_to_be_told_of_needs_no_session():
    assert dicomweb_session(["http://here.org/studies/1.2"]) is None
    assert dicomweb_session([], "alice:secret") is None


def test_a_login_in_an_address_goes_to_its_server_alone():
    session = dicomweb_session([HERE, "https://there.org/studies/3"])

    assert header(session, "https://here.org:8042/x") == "Basic YWxpY2U6czpjcmV0"
    assert header(session, "https://there.org/x") is None
    assert header(session, "https://here.org/x") is None


def test_credentials_go_to_every_server_that_is_named_and_has_no_login():
    session = dicomweb_session([HERE, "https://there.org/studies/3"], " Bearer abc\n")

    assert header(session, "https://here.org:8042/x") == "Basic YWxpY2U6czpjcmV0"
    assert header(session, "https://there.org/x") == "Bearer abc"
    assert header(session, "https://elsewhere.org/x") is None


def test_name_and_password_are_told_as_basic():
    session = dicomweb_session(["https://there.org"], "bob:pa:ss")

    assert header(session, "https://there.org/x") == "Basic Ym9iOnBhOnNz"


@pytest.mark.parametrize("words", ["secret", "", "Bearer ", "secret:a\nX: b"])
def test_what_is_no_login_is_refused_without_being_said(words):
    with pytest.raises(ValueError, match="must be NAME:PASSWORD or 'Bearer TOKEN' in one line") as refused:
        dicomweb_session(["https://there.org"], words)

    assert "secret" not in str(refused.value)


def test_what_prints_a_session_prints_no_password():
    assert "secret" not in repr(ServerLogins({"here.org": "Basic secret"}))
