"""A real Label Studio and a real backend, each on a free port of this machine."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from monai_das.cli.case_key_option import user_key_file
from monai_das.data import open_source, read_case_key

ROOT = Path(__file__).parents[3]
MAIN = "import sys; from monai_das.cli import main; sys.exit(main())"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url, process, log, seconds=600):
    for _ in range(seconds):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health", timeout=1).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(1)
    raise RuntimeError(f"{url} did not start:\n{log.read_text()[-3000:]}")


def started(command, url, log, **environment):
    """Yield a process in a group of its own, once it answers; end the group."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for(url, process, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("label-studio"), free_port()
    server = SimpleNamespace(
        url=f"http://127.0.0.1:{port}", email="reader@example.org", password=secrets.token_hex(8),
        token=secrets.token_hex(20), log=folder / "log.txt",
    )  # fmt: skip
    command = ["bash", str(ROOT / "scripts" / "label_studio.sh"), str(folder / "data"), str(port)]
    account = {"USERNAME": server.email, "PASSWORD": server.password, "USER_TOKEN": server.token}
    for _ in started(command, server.url, server.log, **{f"LABEL_STUDIO_{key}": each for key, each in account.items()}):
        yield server


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    """Four generated volumes."""
    from monai_das.datasets import make_sample_volumes, write_nifti

    folder = tmp_path_factory.mktemp("cases")
    for number, case in enumerate(make_sample_volumes(4)):
        write_nifti(case["image"][0], folder / f"volume_{number}.nii.gz")
    return folder


@pytest.fixture(scope="session", autouse=True)
def key():
    """A case key that is the same in every session: of the four volumes, the second and the last are held out."""
    path = user_key_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a key of the end-to-end tests: 0000")
    path.chmod(0o600)
    return read_case_key(path)


@pytest.fixture(scope="session")
def ids(cases, key):
    """The ids of the four volumes, in their order."""
    return [key.case_id(open_source(cases / f"volume_{number}.nii.gz")) for number in range(4)]


@pytest.fixture(scope="session")
def results(cases, key, tmp_path_factory):
    """What ``monai-das predict`` makes of them, and its map."""
    out = tmp_path_factory.mktemp("results")
    options = [
        "--bundle",
        "bundle",
        "--accept-any-input",
        "--report",
        "json,slices",
        "--num-slices",
        4,
        "--map",
        out / "map.json",
    ]
    monai_das("predict", cases, "-o", out, *options)
    return out


def monai_das(*words, **environment):
    """Run the command as a user does; return what it printed."""
    return printed(["-W", "ignore", "-c", MAIN, *words], ROOT, environment)


def monai_bundle(*words):
    """Run ``python -m monai.bundle`` in the bundle's folder; return what it printed."""
    return printed(["-m", "monai.bundle", *words], ROOT / "bundle", {"PYTHONPATH": str(ROOT)})


def laboratory(*words):
    """Run ``python -m benchmarks``; return what it printed."""
    return printed(["-W", "ignore", "-m", "benchmarks", *words], ROOT, {})


def printed(words, folder, environment):
    run = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    return run.stdout


@pytest.fixture(scope="session")
def backend(cases, results, tmp_path_factory):
    port, log = free_port(), tmp_path_factory.mktemp("backend") / "log.txt"
    server = SimpleNamespace(url=f"http://127.0.0.1:{port}", token=secrets.token_hex(16), log=log)
    options = ("--root", cases, "--map", results / "map.json", "--port", port, "--num-slices", 4)
    words = ("review", "serve", *options, "--bundle", ROOT / "bundle", "--accept-any-input")
    command = [sys.executable, "-W", "ignore", "-c", MAIN, *map(str, words)]
    for _ in started(command, server.url, log, MONAI_DAS_REVIEW_TOKEN=server.token):
        yield server


@pytest.fixture(scope="session")
def command():
    return monai_das


@pytest.fixture(scope="session")
def laboratory_command():
    return laboratory


@pytest.fixture(scope="session")
def bundle_command():
    return monai_bundle


@pytest.fixture(scope="session")
def server(label_studio):
    """What the command must be told of Label Studio."""
    return {"LABEL_STUDIO_URL": label_studio.url, "LABEL_STUDIO_API_KEY": label_studio.token}


@pytest.fixture(scope="session")
def http(label_studio):
    """A client of Label Studio's API."""
    headers = {"Authorization": f"Token {label_studio.token}"}
    with httpx.Client(base_url=label_studio.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def chromium():
    """Paths of the browser and its driver (apt install chromium chromium-driver)."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if None in found:
        pytest.fail("install the browser: apt-get install chromium chromium-driver")
    return found
