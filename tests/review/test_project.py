import pytest

from monai_das.review import (
    LabelStudioClient,
    LabelStudioError,
    ensure_project,
    labelling_config,
)
from tests.review.small_label_studio import TOKEN

CONFIG = labelling_config("volume", ["normal", "hyperplasia"])


@pytest.fixture
def client(server):
    with LabelStudioClient(server.url, TOKEN) as client:
        yield client


def test_a_project_is_made_once(client):
    assert ensure_project(client, "adrenal", CONFIG) == (1, True)
    assert ensure_project(client, "adrenal", CONFIG.replace(">\n", ">")) == (1, False)
    with pytest.raises(ValueError, match="project 1 is called 'adrenal' and asks other things; choose another title"):
        ensure_project(client, "adrenal", labelling_config("clip", ["normal"]))


def test_a_backend_is_connected_once_with_its_token(client, server):
    for _ in range(2):
        client.connect_backend(1, "http://127.0.0.1:9090", "monai-das", "secret")

    assert [each["basic_auth_pass"] for each in server.backends] == ["secret"]


def test_a_personal_access_token_is_traded_in(server):
    with LabelStudioClient(server.url, "a.b.c") as client:
        assert client.projects() == []
    with LabelStudioClient(server.url, "x.y.z") as client, pytest.raises(LabelStudioError, match="make a new one"):
        client.projects()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ((401, {}), "refuses the token; copy it from"),
        ((404, {}), "/api/projects/1/: not found; monai-das review init says the project's number"),
        ((500, b"x" * 600), r"GET .*: 500, x{500}\.\.\."),
        ((200, b"<html>"), "answers something else than JSON; is it a Label Studio?"),
    ],
)
def test_what_label_studio_refuses_is_said_without_the_token(client, server, broken, message):
    server.broken = broken

    with pytest.raises(LabelStudioError, match=message) as error:
        client.project(1)

    assert TOKEN not in str(error.value)


def test_nobody_at_the_address_is_said():
    message = r"http://127\.0\.0\.1:1 does not answer .*is Label Studio started"
    with LabelStudioClient("http://127.0.0.1:1", TOKEN) as client, pytest.raises(LabelStudioError, match=message):
        client.projects()


def test_addresses_and_tokens_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="url must begin with http:// or https://, got 'ftp://a'"):
        LabelStudioClient("ftp://a", TOKEN)
    with pytest.raises(ValueError, match="the token is empty or holds blanks or other letters"):
        LabelStudioClient("http://a", "two words")
