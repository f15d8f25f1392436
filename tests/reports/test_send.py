"""``monai-das send`` to a real C-STORE server in a thread."""

import gc
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from pydicom import dcmread

from monai_das.cli import main
from monai_das.datasets import write_dicom_series

pynetdicom = pytest.importorskip("pynetdicom")


@pytest.fixture
def series(tmp_path):
    write_dicom_series(np.zeros((8, 8, 3), np.uint8), tmp_path / "series")
    (tmp_path / "series" / "notes.txt").write_text("no DICOM")
    return tmp_path / "series"


@pytest.fixture
def start_server():
    """Start a storage server that answers with these status codes, then 0; return its address and what came."""
    servers = []

    def start(statuses=(), title="ARCHIVE"):
        received, answers = [], iter(statuses)

        def store(event):
            status = next(answers, 0x0000)
            if status == 0x0000:
                received.append(event.dataset)
            return status

        entity = pynetdicom.AE(ae_title=title)
        entity.supported_contexts = pynetdicom.AllStoragePresentationContexts
        entity.require_called_aet = True
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(pynetdicom.evt.EVT_C_STORE, store)])
        servers.append(server)
        return f"127.0.0.1:{server.socket.getsockname()[1]}", received

    yield start
    for server in servers:
        server.shutdown()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["send", *map(str, arguments)])
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_every_file_of_a_folder_arrives(series, start_server, capsys):
    server, received = start_server()

    code = main(["send", str(series), "--to", f"dicom://ARCHIVE@{server}"])

    sent = {dcmread(path).SOPInstanceUID for path in series.glob("*.dcm")}
    assert code == 0
    assert {tags.SOPInstanceUID for tags in received} == sent
    assert capsys.readouterr().out == f"3 of 3 files stored at dicom://ARCHIVE@{server}\n"


def test_a_refused_file_is_named_and_the_others_go_on(series, start_server, capsys):
    server, received = start_server([0x0000, 0xA700])

    code = main(["send", str(series), "--to", f"dicom://ARCHIVE@{server}"])

    printed = capsys.readouterr()
    refused = sorted(series.glob("*.dcm"))[1]
    assert code == 1
    assert printed.err == f"{refused}: the server refused it, status 0xa700\n"
    assert "2 of 3 files stored" in printed.out
    assert len(received) == 2


def test_a_warning_of_the_server_is_no_failure(series, start_server):
    server, _ = start_server([0xB000])

    assert main(["send", str(series), "--to", f"dicom://ARCHIVE@{server}"]) == 0


@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom's own
def test_nobody_there_is_said(series, capsys):
    address = f"dicom://ARCHIVE@127.0.0.1:{free_port()}"

    assert main(["send", str(series), "--to", address]) == 1

    assert f"{series}: not sent: {address} does not answer; check host, port and title" in capsys.readouterr().err
    gc.collect()


def test_a_wrong_title_is_said(series, start_server, capsys):
    server, _ = start_server(title="OTHER")

    assert main(["send", str(series), "--to", f"dicom://ARCHIVE@{server}"]) == 1

    assert f"dicom://ARCHIVE@{server} refused the association" in capsys.readouterr().err


def test_a_server_that_breaks_off_is_said(series, capsys, monkeypatch):
    monkeypatch.setattr("monai_das.reports.send.SECONDS", 2)
    entity = pynetdicom.AE(ae_title="ABORTS")
    entity.supported_contexts = pynetdicom.AllStoragePresentationContexts
    handlers = [(pynetdicom.evt.EVT_C_STORE, lambda event: event.assoc.abort() or 0x0000)]
    breaking = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)

    code = main(["send", str(series), "--to", f"dicom://ABORTS@127.0.0.1:{breaking.socket.getsockname()[1]}"])

    breaking.shutdown()
    assert code == 1
    assert "0 of 3 files stored" in capsys.readouterr().out


@pytest.mark.parametrize("status", [404, 409])
def test_a_web_server_that_says_no_is_quoted(series, capsys, status):
    class No(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_error(status)

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), No)
    Thread(target=server.serve_forever, daemon=True).start()
    file = sorted(series.glob("*.dcm"))[0]

    code = main(["send", str(file), "--to", f"http://127.0.0.1:{server.server_port}/dicom-web"])

    server.shutdown()
    server.server_close()
    printed = capsys.readouterr()
    assert code == 1
    assert printed.err.startswith(f"{file}: HTTPError: {status}")
    assert "0 of 1 files stored" in printed.out


@pytest.fixture
def web_archive():
    """A STOW-RS server; returns its address and the headers Authorization that came."""
    seen = []

    class Store(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers.get("Authorization"))
            answer = b"{}"
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Store)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}/dicom-web", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("how", ["option", "environment", "address"])
def test_a_web_server_is_told_who_sends_and_nobody_reads_it(series, web_archive, capfd, monkeypatch, how):
    (address, seen), options = web_archive, []
    to = f"http://{address}"
    if how == "address":
        to = f"http://alice:s3cret@{address}"
    elif how == "environment":
        monkeypatch.setenv("MONAI_DAS_CREDENTIALS", "alice:s3cret")
    else:
        options = ["--credentials", "alice:s3cret"]

    code = main(["send", str(series), "--to", to, *options])

    printed = capfd.readouterr()
    assert code == 0
    assert seen == ["Basic YWxpY2U6czNjcmV0"] * 3
    assert printed.out == f"3 of 3 files stored at http://{address}\n"
    assert printed.err == ""


def test_no_web_server_is_said_at_once(series, capsys):
    (file, *_) = sorted(series.glob("*.dcm"))

    code = main(["send", str(file), "--to", f"http://127.0.0.1:{free_port()}/dicom-web"])

    printed = capsys.readouterr()
    assert code == 1
    assert printed.err.startswith(f"{file}: ConnectionError: ")
    assert "0 of 1 files stored" in printed.out


def test_credentials_that_are_none_are_refused(series, capsys):
    said = usage_error(capsys, series, "--to", "http://host/dicom-web", "--credentials", "s3cret")

    assert "credentials must be NAME:PASSWORD or 'Bearer TOKEN'" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("address", ["ftp://host", "dicom://host:104", "dicom://AET@host", "https://"])
def test_an_address_of_another_kind_is_refused(series, capsys, address):
    assert f"{address}: give https://host/dicom-web for STOW-RS" in usage_error(capsys, series, "--to", address)


def test_a_missing_input_is_refused(tmp_path, capsys):
    said = usage_error(capsys, tmp_path / "nowhere", "--to", "dicom://A@b:104")

    assert "nowhere: no such file or folder" in said


def test_what_is_no_dicom_is_refused(series, tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    assert "notes.txt: no DICOM file" in usage_error(capsys, series / "notes.txt", "--to", "dicom://A@b:104")
    assert "empty: no DICOM file; `monai-das predict" in usage_error(
        capsys, tmp_path / "empty", "--to", "dicom://A@b:1"
    )
