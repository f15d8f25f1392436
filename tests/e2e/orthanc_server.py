"""A real Orthanc on loopback, with the DICOMweb plug-in, for as long as a test needs it."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SECONDS_TO_START = 60


def orthanc_is_installed():
    return shutil.which("Orthanc") is not None and PLUGIN.exists()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class OrthancServer:
    """One Orthanc process with its own storage in ``folder``; a context manager that starts and ends it.

    Attributes:
        url: the REST API, as ``http://127.0.0.1:PORT``.
        dicomweb: the root of DICOMweb, as ``http://127.0.0.1:PORT/dicom-web``.
        port, dicom_port: HTTP, and DIMSE where it was asked for by ``dicom=True`` (AE title ``ORTHANC``).
        log: the file that Orthanc writes its log to.

    Args:
        folder: an empty folder.
        dicom: whether to listen for DIMSE too.
        settings: more of Orthanc's own configuration, as ``RegisteredUsers={"alice": "secret"}``.
    """

    def __init__(self, folder, *, dicom=False, **settings):
        self.folder, self.dicom, self.settings = Path(folder), dicom, settings
        self.log = self.folder / "orthanc.log"
        self.process = None

    def __enter__(self):
        # between choosing a port and Orthanc's taking it another process may: then once more
        for _ in range(3):
            self._start()
            if self._answers():
                return self
            self._stop()
        raise RuntimeError(f"Orthanc does not start:\n{self.log.read_text(encoding='utf-8')[-2000:]}")

    def __exit__(self, *_):
        self._stop()

    def _start(self):
        self.port, self.dicom_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.dicomweb = f"{self.url}/dicom-web"
        configuration = {
            "Name": "monai-das-test",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.port,
            "DicomPort": self.dicom_port,
            "DicomServerEnabled": self.dicom,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": "RegisteredUsers" in self.settings,
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **self.settings,
        }
        file = self.folder / "orthanc.json"
        file.write_text(json.dumps(configuration), encoding="utf-8")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(["Orthanc", str(file)], stdout=log, stderr=subprocess.STDOUT)

    def _answers(self):
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/system", timeout=2).close()
            except urllib.error.HTTPError:
                return True  # it asks who is there
            except OSError:
                time.sleep(0.1)
            else:
                return True
        return False

    def _stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def upload(self, *paths):
        """Store DICOM files, or all files of folders, by the REST API; return the ids that Orthanc gives them."""
        files = [file for path in map(Path, paths) for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
        return [self._post("/instances", file.read_bytes())["ID"] for file in files]

    def get(self, path):
        """Return the JSON that the REST API answers at ``path``, as ``/studies``."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)

    def clear(self):
        """Delete every patient."""
        for patient in self.get("/patients"):
            self.delete(patient, "patients")

    def delete(self, name, level="instances"):
        """Delete what Orthanc calls ``name``."""
        request = urllib.request.Request(f"{self.url}/{level}/{name}", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()

    def _post(self, path, body):
        request = urllib.request.Request(f"{self.url}{path}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
