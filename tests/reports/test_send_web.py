"""``monai-das send`` to a STOW-RS server that answers as it is told."""

import base64
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydicom import dcmread

from monai_das.cli import main

pytest.importorskip("dicomweb_client")

from tests.archives import WebArchive, confirmed, failed, served
from tests.bad_files import stripped

LOGIN = "alice:s3cret"


@pytest.fixture
def waits(monkeypatch):
    """The seconds that are waited, for which nobody waits."""
    found = []
    monkeypatch.setattr("monai_das.reports.send.time.sleep", found.append)
    return found


@pytest.fixture
def archive(waits):
    with served(WebArchive()) as server:
        yield server


@pytest.fixture
def run(series, capfd):
    """Send the series; return the exit code and what is printed, to stdout and stderr."""

    def send(to, *options):
        code = main(["send", str(series), "--include-phi", "--to", to, *map(str, options)])
        return code, *capfd.readouterr()

    return send


def files_of(series):
    return sorted(series.glob("*.dcm"))


def uid_of(file):
    return dcmread(file).SOPInstanceUID


def test_every_file_arrives_byte_for_byte(series, archive, run):
    assert run(archive.root) == (0, f"3 of 3 files stored at {archive.root}\n", "")
    assert archive.posts == [uid_of(file) for file in files_of(series)]


@pytest.mark.parametrize("meta", [True, False])
def test_a_file_without_preamble_arrives_with_one(series, archive, run, meta):
    wanted = [uid_of(file) for file in files_of(series)]
    stripped(files_of(series)[0], meta=meta)

    assert run(archive.root) == (0, f"3 of 3 files stored at {archive.root}\n", "")
    assert archive.posts == wanted


@pytest.mark.parametrize("how", ["option", "environment", "address"])
def test_the_server_is_told_who_sends_and_nobody_reads_it(archive, run, monkeypatch, how):
    to, options = archive.root, []
    if how == "address":
        to = to.replace("//", f"//{LOGIN}@")
    elif how == "environment":
        monkeypatch.setenv("MONAI_DAS_CREDENTIALS", LOGIN)
    else:
        options = ["--credentials", LOGIN]

    assert run(to, *options) == (0, f"3 of 3 files stored at {archive.root}\n", "")
    assert archive.logins == [f"Basic {base64.b64encode(LOGIN.encode()).decode()}"] * 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda uid: (200, {}), "the server answers 200 OK, without this object among the stored ones"),
        (lambda uid: (200, None), "the server answers 200 OK, without this object among the stored ones"),
        (lambda uid: (202, ["?"]), "the server answers 202 Accepted, without this object among the stored ones"),
        (lambda uid: confirmed("1.2.3"), "the server answers 200 OK, without this object among the stored ones"),
        (lambda uid: failed(uid, 0x0110), "the server refused it, reason 0x0110: processing failure"),
        (lambda uid: failed(uid, 0xA9C1, 202), "the server refused it, reason 0xa9c1: the object does not fit its SOP"),
        (lambda uid: failed(uid, 0x1234), "the server refused it, reason 0x1234\n"),
        (lambda uid: (404, None), "the server answers 404 Not Found\n"),
        (lambda uid: (409, None), "the server answers 409 Conflict\n"),
        (lambda uid: (413, None), "the server answers 413"),
    ],
)
def test_a_file_counts_as_stored_only_if_the_answer_lists_it(series, archive, run, answer, words):
    archive.answers = [confirmed, answer]

    code, printed, said = run(archive.root)

    assert code == 1
    assert said.startswith(f"{files_of(series)[1]}: {words}")
    assert "2 of 3 files stored" in printed


@pytest.mark.parametrize("place", ["echo", "post"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(archive, run, waits, place, status):
    with served(WebArchive()) as other:
        target = other.root.replace("//", "//bob:hidden@") + "/studies"
        if place == "echo":
            archive.echoes = [(status, None, {"Location": target})]
        else:
            archive.answers = [lambda uid: (status, None, {"Location": target})] * 3
        code, _, said = run(archive.root, "--credentials", LOGIN)

    assert code == 1
    assert f"the server redirects to {other.root}/studies (the server answers {status}" in said
    assert "which is not followed; if you trust that server, give its address" in said
    assert (other.posts, waits) == ([], [])
    assert "hidden" not in said


def test_a_server_without_room_is_asked_again_after_longer_waits(archive, run, waits):
    archive.answers = [lambda uid: (503, None)] * 2 + [lambda uid: failed(uid, 0xA700), confirmed]

    assert run(archive.root) == (0, f"3 of 3 files stored at {archive.root}\n", "")
    assert waits == [1.0, 2.0, 4.0]
    assert len(archive.posts) == 6


def test_the_server_says_how_long_to_wait_up_to_a_minute(archive, run, waits):
    archive.answers = [lambda uid: (429, None, {"Retry-After": "7"}), lambda uid: (503, None, {"Retry-After": "9999"})]

    assert run(archive.root)[0] == 0
    assert waits == [7.0, 60.0]


def test_a_server_that_stays_without_room_refuses_each_file(series, archive, run, waits):
    archive.answers = [lambda uid: (503, None)] * 99

    code, printed, said = run(archive.root, "--retries", 1)

    assert code == 1
    assert said == "".join(f"{file}: the server answers 503 Service Unavailable\n" for file in files_of(series))
    assert "0 of 3 files stored" in printed
    assert waits == [1.0] * 3


def test_a_second_call_sends_only_what_is_missing(series, archive, run):
    archive.answers = [confirmed, lambda uid: (404, None)]
    run(archive.root)
    came = len(archive.posts)

    code, printed, _ = run(archive.root)

    assert code == 0
    assert "3 of 3 files stored" in printed
    assert "2 of them by an earlier call" in printed
    assert archive.posts[came:] == [uid_of(files_of(series)[1])]


@pytest.mark.parametrize("searches", [True, False])
def test_what_the_server_says_it_lost_is_sent_again(archive, run, searches):
    run(archive.root)
    archive.searches = searches
    archive.stored.clear()

    assert run(archive.root)[0] == 0
    assert len(archive.posts) == (6 if searches else 3)


def test_a_server_that_cannot_search_stores(archive, run):
    archive.echoes = [(404, None), (503, None)]

    assert run(archive.root)[0] == 0
    archive.echoes = [(404, None), (503, None), (302, None), (200, "no list")]
    assert run(archive.root)[:2] == (
        0, f"3 of 3 files stored at {archive.root}, 3 of them by an earlier call (--again sends these too)\n"
    )  # fmt: skip


def test_a_server_that_does_not_know_us_is_sent_nothing(series, archive, run):
    archive.echoes = [(401, None)]

    code, _, said = run(archive.root)

    assert code == 1
    assert said.startswith(f"nothing is sent: {archive.root}: the server answers 401 Unauthorized; give credentials")
    assert archive.posts == []


def test_nobody_there_is_said_after_some_tries(series, run, waits):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/dicom-web"

        code, _, said = run(address)

    assert code == 1
    assert said == (
        f"nothing is sent: {address} cannot be reached; check host and port; a second call sends what is missing\n"
    )
    assert waits == [1.0, 2.0, 4.0]


def test_a_server_that_goes_away_ends_the_run(archive, run):
    def gone(uid):
        archive.socket.close()
        return 503, None

    archive.answers = [confirmed, gone]

    code, _, said = run(archive.root, "--retries", 1)

    assert code == 1
    assert f"the rest is not sent: {archive.root} cannot be reached" in said


def test_silence_is_said(archive, run, monkeypatch):
    monkeypatch.setattr("monai_das.reports.send_web.SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/dicom-web"

        code, _, said = run(address, "--retries", 0)

    assert code == 1
    assert f"nothing is sent: {address} gives no answer within 0.2 s" in said


def test_http_where_https_is_wanted_is_said(archive, run):
    code, _, said = run(archive.root.replace("http:", "https:"))

    assert code == 1
    assert "no secure connection; is it http? or name the file of its certificate in REQUESTS_CA_BUNDLE" in said


def test_a_web_page_is_no_archive(run, waits):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    with served(HTTPServer(("127.0.0.1", 0), Page)) as server:
        code, _, said = run(f"http://127.0.0.1:{server.server_port}")

    assert code == 1
    assert said.count("the server answers 200 OK, without this object among the stored ones") == 3
