"""Archives that take DICOM files, for tests of sending: STOW-RS over HTTP and C-STORE, with faults on demand."""

import io
import json
import re
import socket
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pynetdicom
from pydicom import dcmread
from pynetdicom import evt

INSTANCES = re.compile(r"/dicom-web/studies/[\d.]+/series/[\d.]+/instances\?SOPInstanceUID=([\d.]+)")


def confirmed(uid):
    """The answer of STOW-RS that lists ``uid`` as stored."""
    return 200, {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [uid]}}]}}


def failed(uid, reason, status=409):
    """The answer of STOW-RS that lists ``uid`` as not stored."""
    item = {"00081155": {"vr": "UI", "Value": [uid]}, "00081197": {"vr": "US", "Value": [reason]}}
    return status, {"00081198": {"vr": "SQ", "Value": [item]}}


class WebArchive(ThreadingHTTPServer):
    """STOW-RS at ``root``.

    Attributes:
        stored: the objects that came and were confirmed, by SOPInstanceUID.
        posts: SOPInstanceUIDs in the order in which they came, refused ones too.
        logins: the headers Authorization of the posts.
        answers: what is answered to the next posts instead of storing: functions of the SOPInstanceUID to a status, or
            a status and JSON, or a status and headers.
        echoes: the same for the next requests that are not posts.
        searches: whether it says which objects it has.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _WebAnswer)
        self.stored, self.posts, self.logins, self.answers, self.echoes = {}, [], [], [], []
        self.searches = True
        self.root = f"http://127.0.0.1:{self.server_port}/dicom-web"


class _WebAnswer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        wanted = INSTANCES.fullmatch(self.path)
        if self.server.echoes:
            self.answer(*self.server.echoes.pop(0))
        elif wanted and self.server.searches:
            found = [{"00080018": {"vr": "UI", "Value": [uid]}} for uid in self.server.stored if uid == wanted[1]]
            self.answer(200, found)
        else:
            self.answer(200 if self.path == "/dicom-web/studies?limit=1" else 501, [])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mark = re.search("boundary=(.+)", self.headers["Content-Type"])[1].encode()
        (part,) = (b"\r\n" + body).split(b"\r\n--" + mark)[1:-1]
        tags = dcmread(io.BytesIO(part.partition(b"\r\n\r\n")[2]))
        self.server.posts.append(tags.SOPInstanceUID)
        self.server.logins.append(self.headers.get("Authorization"))
        answer = self.server.answers.pop(0) if self.server.answers else confirmed
        found = answer(tags.SOPInstanceUID)
        if found[1] and "00081199" in found[1]:
            self.server.stored[tags.SOPInstanceUID] = tags
        self.answer(*found)

    def answer(self, status, content=None, headers=None):
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(server):
    """Let an HTTP server answer for as long as the body runs."""
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class StoreArchive:
    """C-STORE at ``address``, in a thread.

    Attributes:
        stored: the objects that came and were confirmed, by SOPInstanceUID; each knows the transfer syntax it came in.
        came: SOPInstanceUIDs in the order in which they came, refused ones too.
        statuses: the statuses of the next C-STOREs.

    Args:
        contexts: SOP class and transfer syntaxes that it takes; None for all.
        finds: whether it says by C-FIND which objects it has.
        settings: further attributes of ``pynetdicom.AE``, as ``require_called_aet=True``.
    """

    def __init__(self, title="ARCHIVE", contexts=None, finds=False, **settings):
        self.stored, self.came, self.statuses = {}, [], []
        entity = pynetdicom.AE(ae_title=title)
        for name, value in settings.items():
            setattr(entity, name, value)
        if contexts is None:
            every = [*pynetdicom.AllStoragePresentationContexts, *pynetdicom.VerificationPresentationContexts]
            contexts = [(each.abstract_syntax, pynetdicom.ALL_TRANSFER_SYNTAXES) for each in every]
        for kind, syntaxes in contexts:
            entity.add_supported_context(kind, syntaxes)
        if finds:
            entity.add_supported_context(pynetdicom.sop_class.StudyRootQueryRetrieveInformationModelFind)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find)]
        self.server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.address = f"dicom://{title}@127.0.0.1:{self.server.socket.getsockname()[1]}"

    def stop(self):
        """Break all connections, and take no more."""
        if self.server is not None:
            for association in self.server.active_associations:
                association.abort()
            self.server.shutdown()
            self.server = None

    def _store(self, event):
        tags = event.dataset
        tags.file_meta = event.file_meta
        self.came.append(tags.SOPInstanceUID)
        status = self.statuses.pop(0) if self.statuses else 0x0000
        if status == "abort":
            event.assoc.abort()
            return 0x0000
        if status >> 12 in (0x0, 0xB):
            self.stored[tags.SOPInstanceUID] = tags
        return status

    def _find(self, event):
        if event.identifier.SOPInstanceUID in self.stored:
            yield 0xFF00, event.identifier


class RawArchive:
    """Takes connections at ``address``, reads the request for an association, and sends ``answer``, which may be none.

    Attributes:
        came: how many connections came.

    Args:
        closes: whether it then closes the connection at once.
    """

    def __init__(self, answer, closes=True):
        self.came, self._kept = 0, []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"dicom://ARCHIVE@127.0.0.1:{self._socket.getsockname()[1]}"
        Thread(target=self._serve, args=(answer, closes), daemon=True).start()

    def _serve(self, answer, closes):
        with suppress(OSError):  # stopped
            while True:
                connection, _ = self._socket.accept()
                self.came += 1
                with connection.makefile("rb") as stream:
                    stream.read(int.from_bytes(stream.read(6)[2:], "big"))
                connection.sendall(answer)
                if closes:
                    connection.close()
                else:
                    self._kept.append(connection)

    def stop(self):
        """Break all connections, and take no more."""
        for each in (self._socket, *self._kept):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
