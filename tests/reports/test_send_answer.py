"""What is said of a C-STORE server that gives no association, however fast or odd its answer is."""

import threading
import time

import pytest

pytest.importorskip("pynetdicom")

from pynetdicom.transport import AssociationSocket

from monai_das.reports import SendOptions, send_files
from tests.archives import RawArchive

NO_ANSWER = "takes connections, but did not answer the request for an association; check that it is a DICOM server"


def rejection(result, source, reason):
    return bytes([3, 0, 0, 0, 0, 4, 0, result, source, reason])


def abort(source, reason):
    return bytes([7, 0, 0, 0, 0, 4, 0, 0, source, reason])


ANSWERS = {
    "rejection": (rejection(1, 1, 7), "refused the association: the called AE title ARCHIVE is not its own"),
    "rejection for now": (rejection(2, 3, 1), "refused the association: temporary congestion"),
    "rejection by unknown numbers": (rejection(1, 9, 99), "refused the association: source 9, reason 99, which the"),
    "abort by an application": (abort(0, 0), "aborted the association: no reason given; its log may say more"),
    "abort by a provider": (abort(2, 5), "aborted the association: unexpected pdu parameter; its log may say more"),
    "abort by unknown numbers": (abort(9, 9), "aborted the association: no reason given; its log may say more"),
    "no answer": (b"", NO_ANSWER),
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", NO_ANSWER),
    "half a message": (b"\3\0\0", NO_ANSWER),
    "an endless message": (b"\3\0\xff\xff\xff\xff1234", NO_ANSWER),
}
WAITS = ("no answer", "half a message", "an endless message")


@pytest.fixture
def raw_archive():
    started = []

    def start(*arguments, **settings):
        started.append(RawArchive(*arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def late(monkeypatch):
    """Let pynetdicom look for its connection so late that a fast server has closed it, as on a busy machine."""
    made = AssociationSocket.__init__

    def make(self, *arguments, **named):
        made(self, *arguments, **named)
        wait = self._ready.wait
        self._ready.wait = lambda: (wait(), time.sleep(0.1))

    monkeypatch.setattr(AssociationSocket, "__init__", make)


@pytest.fixture
def ends_of_threads(monkeypatch):
    """What ended threads."""
    ended = []
    monkeypatch.setattr(threading, "excepthook", lambda end: ended.append(end.exc_value))
    return ended


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_and_the_end_of_the_connection_within_milliseconds(
    series, raw_archive, run_send, late, ends_of_threads, kind
):
    answer, words = ANSWERS[kind]
    server = raw_archive(answer)

    code, _, said = run_send(series, server.address, "--retries", 0)

    assert (code, ends_of_threads) == (1, [])
    assert f"nothing is sent: {server.address} {words}" in said


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_on_a_connection_that_stays_open_never_hangs(
    series, raw_archive, run_send, monkeypatch, ends_of_threads, kind
):
    monkeypatch.setattr("monai_das.reports.send_store.SECONDS", 0.3 if kind in WAITS else 30)
    answer, words = ANSWERS[kind]
    server, start = raw_archive(answer, closes=False), time.monotonic()

    code, _, said = run_send(series, server.address, "--retries", 0)

    assert (code, ends_of_threads) == (1, [])
    assert f"nothing is sent: {server.address} {words}" in said
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("rejection", 1),
        *((kind, 3) for kind in ANSWERS if "abort" in kind),
        ("rejection for now", 3),
        ("no answer", 3),
        ("half a message", 3),
    ],
)
def test_whoever_may_answer_otherwise_is_asked_again(series, raw_archive, run_send, kind, times):
    server = raw_archive(ANSWERS[kind][0])

    assert run_send(series, server.address, "--retries", 2)[0] == 1
    assert server.came == times


def test_an_association_that_ends_before_the_file_is_sent_is_a_broken_connection(series, store_archive, monkeypatch):
    from monai_das.reports import send_store

    server, read = store_archive(), send_store.in_syntax

    def read_while_the_server_ends(tags, syntax):
        for association in server.server.active_associations:
            association.abort()
        time.sleep(0.3)
        return read(tags, syntax)

    monkeypatch.setattr(send_store, "in_syntax", read_while_the_server_ends)
    sent = list(send_files([series], server.address, options=SendOptions(retries=0)))

    assert [each.error for each in sent] == ["the server broke the connection"] * 3
