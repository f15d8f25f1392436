"""``monai-das send`` to servers that are not ours: dcmtk's storescp, and Orthanc over DIMSE and DICOMweb."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from monai_das.cli import main
from monai_das.datasets import write_dicom_series
from tests.e2e.orthanc_server import free_port

IMPLICIT = "1.2.840.10008.1.2"
# a class that it takes, in a syntax that it takes
PROFILE = """
[[TransferSyntaxes]]
[Plain]
TransferSyntax1 = {syntax}
[[PresentationContexts]]
[Contexts]
PresentationContext1 = {kind}\\Plain
[[Profiles]]
[Only]
PresentationContexts = Contexts
"""


@pytest.fixture
def storescp(tmp_path):
    """Start dcmtk's storescp with these options; return its address and the folder of what it stores."""
    # pynetdicom installs a program of the same name into our own environment
    elsewhere = [each for each in os.environ["PATH"].split(":") if Path(each) != Path(sys.executable).parent]
    program = shutil.which("storescp", path=":".join(elsewhere))
    if program is None:
        pytest.skip("storescp is not installed: apt-get install dcmtk")
    started = []

    def start(*options):
        port, folder = free_port(), tmp_path / f"stored{len(started)}"
        folder.mkdir()
        started.append(subprocess.Popen([program, *options, "-od", folder, str(port)], stderr=subprocess.DEVNULL))
        # its socket, as connecting would be an association to it
        while f":{port:04X} " not in Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text():
            assert started[-1].poll() is None
            time.sleep(0.02)
        return f"dicom://STORESCP@127.0.0.1:{port}", folder

    yield start
    for process in started:
        process.terminate()
        process.wait()


@pytest.fixture
def mixed(tmp_path):
    """Explicit and implicit little endian, big endian, compressed grey and colour, and a report."""
    folder = tmp_path / "mixed"
    write_dicom_series(np.arange(8 * 8 * 2, dtype=np.uint8).reshape(8, 8, 2), folder)
    for name in ("MR_small_implicit.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "SC_rgb_rle.dcm", "reportsi.dcm"):
        shutil.copy(get_testdata_file(name), folder)
    return folder


@pytest.fixture
def run(capsys):
    def send(given, to, *options):
        code = main(["send", str(given), "--include-phi", "--to", to, *map(str, options)])
        return code, *capsys.readouterr()

    return send


def by_uid(folder):
    return {tags.SOPInstanceUID: tags for tags in (dcmread(path) for path in folder.iterdir())}


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("option", ["+xi", "+xe", "+x=", "+xa", "+xv"])
def test_storescp_stores_all_in_whatever_syntax_it_takes(storescp, mixed, run, option):
    address, folder = storescp(option)

    code, printed, said = run(mixed, address)

    given, stored = by_uid(mixed), by_uid(folder)
    assert (code, printed, said) == (0, f"7 of 7 files stored at {address}\n", "")
    assert set(stored) == set(given)
    for uid, tags in stored.items():
        assert option != "+xi" or tags.file_meta.TransferSyntaxUID == IMPLICIT
        if "PixelData" in tags:
            np.testing.assert_array_equal(tags.pixel_array, given[uid].pixel_array)


def test_storescp_that_refuses_is_quoted(storescp, mixed, run):
    address, _ = storescp("--refuse")

    code, _, said = run(mixed, address, "--retries", 0)

    assert code == 1
    assert f"nothing is sent: {address} refused the association: no reason given" in said


@pytest.mark.parametrize(
    ("kind", "syntax", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", "abstract syntax not supported"),
        ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.2.4.90", "transfer syntaxes not supported"),
    ],
)
def test_storescp_that_takes_other_things_says_which(storescp, tmp_path, run, kind, syntax, words):
    profile = tmp_path / "storescp.cfg"
    profile.write_text(PROFILE.format(kind=kind, syntax=syntax), encoding="ascii")
    address, folder = storescp("-xf", str(profile), "Only")

    code, _, said = run(get_testdata_file("MR_small_implicit.dcm"), address)

    assert code == 1
    assert "the server refused MR Image Storage (1.2.840.10008.5.1.4.1.1.4): " in said
    assert words in said
    assert list(folder.iterdir()) == []


def test_storescp_that_breaks_off_is_no_success_and_a_second_call_sends_the_rest(storescp, mixed, run):
    address, _ = storescp("--abort-after")

    code, printed, said = run(mixed, address, "--retries", 0)

    assert code == 1
    assert said.count(": the server broke the connection\n") == 7
    assert "0 of 7 files stored" in printed


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("way", ["DIMSE", "DICOMweb"])
def test_orthanc_gets_what_it_lacks(start_orthanc, mixed, run, way):
    with start_orthanc(dicom=True, DicomCheckCalledAet=True, DicomAlwaysAllowFind=True) as server:
        address = server.dicomweb if way == "DICOMweb" else f"dicom://ORTHANC@127.0.0.1:{server.dicom_port}"
        assert run(mixed, address) == (0, f"7 of 7 files stored at {address}\n", "")
        before = {each["SOPInstanceUID"] for each in tags_of(server)}
        server.delete(server.get("/instances")[0])

        code, printed, _ = run(mixed, address)

        assert (code, printed.partition(" by ")[0]) == (0, f"7 of 7 files stored at {address}, 6 of them")
        assert {each["SOPInstanceUID"] for each in tags_of(server)} == before == set(by_uid(mixed))


def tags_of(server):
    return [server.get(f"/instances/{each}/simplified-tags") for each in server.get("/instances")]


def test_orthanc_says_that_it_is_not_called_so(start_orthanc, mixed, run):
    with start_orthanc(dicom=True, DicomCheckCalledAet=True) as server:
        code, _, said = run(mixed, f"dicom://PACS@127.0.0.1:{server.dicom_port}", "--retries", 0)

    assert code == 1
    assert "refused the association: the called AE title PACS is not its own; check the address" in said
