"""A small DICOMweb server over a folder of DICOM files: metadata, objects, frames, drawings. For the everyday tests."""

import base64
import io
import json
import re
import threading
import time
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_rescale, pixel_array

PLACE = re.compile(
    r"/dicom-web/studies/([\d.]+)(?:/series/([\d.]+))?(?:/instances/([\d.]+))?"
    r"(?:/frames/([\d,]+))?(/metadata|/rendered)?"
)


class RefusalError(Exception):
    """A status that says no."""


class DICOMwebFolder(ThreadingHTTPServer):
    """Serve the DICOM files of ``folder``.

    Attributes:
        requests: the paths asked for, in order.
        login: what the header Authorization must say, as ``name:password``; None lets everybody in.
        delay: seconds before every answer.
        draws: whether it draws: ``"well"``, ``"noise"`` or ``"never"``.
        short: whether it leaves out the last of the frames asked for.
        running, most: how many requests it answers now, and how many it has answered at once.
    """

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.requests, self.login = Path(folder), [], None
        self.delay, self.draws, self.short = 0.0, "well", False
        self.running, self.most, self.lock = 0, 0, threading.Lock()
        self.read = cache(lambda path, _: dcmread(path))
        self.root = f"http://127.0.0.1:{self.server_port}/dicom-web"

    @contextmanager
    def counted(self):
        """Count a request as long as it is answered."""
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1

    def handle_error(self, *_):
        """Say nothing where a client went away."""

    def objects(self, study, series, instance):
        found = [self.read(path, path.stat().st_mtime_ns) for path in sorted(self.folder.iterdir())]
        wanted = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
        return [one for one in found if all(value in (None, one.get(key)) for key, value in wanted.items())]


class Answer(BaseHTTPRequestHandler):
    """One answer of :class:`DICOMwebFolder`."""

    def log_message(self, *_):
        """Keep the tests' output clean."""

    def do_GET(self):
        self.server.requests.append(self.path)
        try:
            with self.server.counted():
                time.sleep(self.server.delay)
                kind, body = self.answer()
        except RefusalError as refusal:
            self.send_error(refusal.args[0])
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self):
        """Return content type and body of the answer to the path."""
        wanted = self.server.login
        if wanted and self.headers.get("Authorization") != f"Basic {base64.b64encode(wanted.encode()).decode()}":
            raise RefusalError(401)
        url = urlsplit(self.path)
        place = PLACE.fullmatch(url.path)
        if place is None:
            return "text/html", b"<html>This is a web page.</html>"
        study, series, instance, frames, what = place.groups()
        objects = self.server.objects(study, series, instance)
        if not objects:
            raise RefusalError(404)
        numbers = [int(number) for number in (frames or "1").split(",")]
        if what == "/metadata":
            return "application/dicom+json", json.dumps([headers(one) for one in objects]).encode()
        if what == "/rendered":
            return "image/png", self.drawing(objects[0], numbers[0] - 1, parse_qs(url.query))
        if frames:
            parts = [stored_frame(objects[0], number - 1) for number in numbers]
            kind = f"application/octet-stream; transfer-syntax={objects[0].file_meta.TransferSyntaxUID}"
            return multipart(parts[: len(parts) - self.server.short], kind)
        whole = io.BytesIO()
        objects[0].save_as(whole)
        return multipart([whole.getvalue()], "application/dicom")

    def drawing(self, found, frame, query):
        """Return a PNG, through the window and at the size of ``query``."""
        if self.server.draws == "never":
            raise RefusalError(501)
        values = apply_rescale(pixel_array(found, index=frame), found)
        if self.server.draws == "noise":
            values = np.random.default_rng(0).permutation(values.ravel()).reshape(values.shape)
        if "window" in query:
            centre, width = (float(part) for part in query["window"][0].split(",")[:2])
            values = (values - centre + width / 2) / width * 255
        if found.PhotometricInterpretation == "MONOCHROME1":
            values = 255 - values
        size = [int(part) for part in query["viewport"][0].split(",")]
        drawn, png = Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8)), io.BytesIO()
        drawn.resize(size, Image.Resampling.BOX).save(png, "PNG")
        return png.getvalue()


def headers(found):
    """Return the object as DICOM JSON, with an address in the place of its pixels."""
    return found.to_json_dict(bulk_data_threshold=64, bulk_data_element_handler=lambda element: f"/{element.tag}")


def stored_frame(found, frame):
    if found.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(found.PixelData, number_of_frames=found.NumberOfFrames))[frame]
    size = found.Rows * found.Columns * found.SamplesPerPixel * found.BitsAllocated // 8
    return found.PixelData[frame * size : (frame + 1) * size]


def multipart(parts, kind):
    body = b"".join(b"--edge\r\nContent-Type: %s\r\n\r\n%s\r\n" % (kind.encode(), part) for part in parts) + b"--edge--"
    return f'multipart/related; type="{kind}"; boundary=edge', body


def address(server, depth=3):
    """Return where the server has its first object: its study, its series or itself."""
    found = server.objects(None, None, None)[0]
    parts = ["studies", found.StudyInstanceUID, "series", found.SeriesInstanceUID, "instances", found.SOPInstanceUID]
    return "/".join([server.root, *parts[: 2 * depth]])


@contextmanager
def serving(folder):
    """Serve ``folder`` on loopback for as long as the context lasts."""
    with DICOMwebFolder(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
