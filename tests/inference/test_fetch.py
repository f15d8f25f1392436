"""``monai-das fetch`` unpacks what it has verified, and leaves nothing of what it refuses."""

import hashlib
import http.server
import shutil
import ssl
import subprocess
import threading
import zipfile

import pytest

from monai_das.cli import main
from monai_das.inference import fetch_bundle

NO_SUM = "0" * 64


@pytest.fixture
def zipped(tmp_path):
    path = tmp_path / "in" / "some_v1.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some/configs/metadata.json", "{}")
        archive.writestr("some/models/model.pt", "weights")
    return path


@pytest.fixture
def sum_of(zipped):
    return hashlib.sha256(zipped.read_bytes()).hexdigest()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; ``/insecure`` leads to http."""

    def do_GET(self):
        if self.path != "/insecure":
            super().do_GET()
            return
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1/some.zip")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(zipped, tmp_path, monkeypatch):
    """The address of an https server of the zip's folder, whose certificate this process trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    options = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([*openssl.split(), *options], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = lambda *args: Handler(*args, directory=zipped.parent)  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_zip_a_file_address_and_a_server_give_the_same_bundle(zipped, sum_of, server, tmp_path):
    sources = [str(zipped), zipped.as_uri(), f"{server}/{zipped.name}"]

    folders = [fetch_bundle(source, tmp_path / str(number), sum_of) for number, source in enumerate(sources)]

    assert folders == [tmp_path / str(number) / "some" for number in range(3)]
    for folder in folders:
        assert (folder / "models" / "model.pt").read_text() == "weights"
        assert [path.name for path in folder.parent.iterdir()] == ["some"]


def test_a_bundle_at_the_top_of_a_zip_is_called_as_the_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "flat.zip", "w") as archive:
        archive.writestr("configs/metadata.json", "{}")

    assert fetch_bundle(str(tmp_path / "flat.zip"), tmp_path) == tmp_path / "flat"


def test_the_command_says_where_the_bundle_is(zipped, sum_of, tmp_path, capsys):
    code = main(["fetch", zipped.as_uri(), "-o", str(tmp_path / "out"), "--sha256", sum_of.upper()])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "out" / "some")


def test_the_bundle_of_a_release_is_ready_to_use(random_bundle, tmp_path, nifti):
    shutil.copytree(random_bundle, tmp_path / "in" / "adrenal")
    zipped = shutil.make_archive(str(tmp_path / "adrenal_v1"), "zip", tmp_path / "in")

    bundle = fetch_bundle(zipped, tmp_path / "out")

    assert main(["predict", str(nifti), "--bundle", str(bundle), "-o", str(tmp_path / "results")]) == 0


@pytest.fixture
def names(zipped, sum_of, server, tmp_path):
    return {"uri": zipped.as_uri(), "path": zipped, "sum": sum_of, "server": server, "key": tmp_path / "key.pem"}


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("{uri}", ["--sha256", NO_SUM], "its SHA-256 is {sum}, not 000"),
        ("{path}", ["--sha256", NO_SUM], "its SHA-256 is {sum}, not 000"),
        ("{uri}", [], "an address needs --sha256, see the SHA256SUMS"),
        ("{path}", ["--sha256", "abc"], "--sha256 must be 64 hexadecimal digits, got 'abc'"),
        ("http://localhost/some.zip", ["--sha256", NO_SUM], "only https:// and file:// are fetched"),
        ("adrenal", [], "adrenal: no such file; this release knows no bundles by name, give a zip or its address"),
        ("{uri}.none", ["--sha256", NO_SUM], "some_v1.zip.none cannot be fetched: "),
        ("{server}/none.zip", ["--sha256", NO_SUM], "none.zip cannot be fetched: HTTP Error 404"),
        ("{server}/insecure", ["--sha256", NO_SUM], "cannot be fetched: it leads to http://, which is not secure"),
        ("{key}", [], "key.pem is no whole zip"),
    ],
)
def test_what_is_refused_leaves_nothing(names, tmp_path, capsys, source, options, message):
    with pytest.raises(SystemExit) as exit_:
        main(["fetch", source.format(**names), "-o", str(tmp_path / "out"), *options, "--include-phi"])

    assert exit_.value.code == 2
    assert message.format(**names) in capsys.readouterr().err
    assert list(tmp_path.glob("out/*")) == []


def test_what_is_there_already_stays(zipped, tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "mine").write_text("kept")

    with pytest.raises(FileExistsError, match="some is there already; remove it, or give another folder with -o"):
        fetch_bundle(str(zipped), tmp_path)

    assert [path.name for path in (tmp_path / "some").iterdir()] == ["mine"]


def test_a_server_that_never_stops_is_cut_off(zipped, tmp_path, monkeypatch):
    monkeypatch.setattr("monai_das.inference.fetch.MAX_BYTES", 10)

    with pytest.raises(OSError, match="cannot be fetched: it is larger than 10 bytes"):
        fetch_bundle(zipped.as_uri(), tmp_path / "out", NO_SUM)
