"""``monai-das send`` to a real C-STORE server in a thread; tests/e2e/test_send.py has dcmtk's and Orthanc."""

import gc
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from monai_das.cli import main
from monai_das.datasets import write_dicom_series
from monai_das.reports import SendOptions, send_files

pytest.importorskip("pynetdicom")

import pynetdicom

from tests.archives import StoreArchive

VERIFICATION = ("1.2.840.10008.1.1", ImplicitVRLittleEndian)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr("monai_das.reports.send.FIRST_WAIT", 0.01)


@pytest.fixture
def series(tmp_path):
    write_dicom_series(np.zeros((8, 8, 3), np.uint8), tmp_path / "series")
    (tmp_path / "series" / "notes.txt").write_text("no DICOM")
    return tmp_path / "series"


@pytest.fixture
def archive():
    """Start a C-STORE server; the arguments are those of ``StoreArchive``."""
    started = []

    def start(*arguments, **settings):
        started.append(StoreArchive(*arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def run(capsys):
    """Run ``monai-das send``; return its exit code and what it prints, to stdout and stderr."""

    def send(given, to, *options):
        code = main(["send", str(given), "--to", to, *map(str, options)])
        return code, *capsys.readouterr()

    return send


def uids(folder):
    """The SOPInstanceUIDs of a folder, in the order of its files."""
    return [dcmread(path).SOPInstanceUID for path in sorted(folder.glob("*.dcm"))]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["send", *map(str, arguments)])
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_every_file_of_a_folder_arrives(series, archive, run):
    server = archive()

    assert run(series, server.address) == (0, f"3 of 3 files stored at {server.address}\n", "")
    assert list(server.stored) == uids(series)


def test_a_refused_file_is_named_and_the_others_go_on(series, archive, run):
    server = archive()
    server.statuses = [0x0000, 0xC000]

    code, printed, said = run(series, server.address)

    assert code == 1
    assert said == f"{sorted(series.glob('*.dcm'))[1]}: the server refused it, status 0xc000\n"
    assert "2 of 3 files stored" in printed
    assert len(server.stored) == 2


def test_a_warning_of_the_server_is_no_failure(series, archive, run):
    server = archive()
    server.statuses = [0xB000]

    assert run(series, server.address)[0] == 0


@pytest.mark.parametrize("fault", [0xA700, "abort"])
def test_what_a_server_has_no_room_for_or_breaks_off_is_sent_again(series, archive, run, fault):
    server = archive()
    server.statuses = [fault, fault]

    assert run(series, server.address)[0] == 0
    assert list(server.stored) == uids(series)


def test_a_server_that_breaks_off_for_good_is_said(series, archive, run):
    server = archive()
    server.statuses = ["abort"] * 99

    code, printed, said = run(series, server.address, "--retries", 1)

    assert code == 1
    assert said.count(": the server broke the connection\n") == 3
    assert "0 of 3 files stored" in printed
    assert len(server.came) == 6


def test_a_second_call_sends_only_what_is_missing(series, archive, run):
    server = archive()
    server.statuses = [0x0000, 0xC000]
    run(series, server.address)
    came = len(server.came)

    code, printed, _ = run(series, server.address)

    assert code == 0
    assert printed == (
        f"3 of 3 files stored at {server.address}, 2 of them by an earlier call (--again sends these too)\n"
    )
    assert server.came[came:] == uids(series)[1:2]
    assert run(series, server.address, "--again")[1] == f"3 of 3 files stored at {server.address}\n"
    assert len(server.came) == came + 4


def test_a_file_that_changed_since_is_missing_too(series, archive, run, tmp_path):
    server = archive()
    run(series, server.address)
    changed = sorted(series.glob("*.dcm"))[0]
    tags = dcmread(changed)
    tags.ImageComments = "corrected"
    tags.save_as(changed)

    run(series, server.address)

    assert server.came[3:] == uids(series)[:1]


def test_what_the_server_says_it_lost_is_sent_again(series, archive, run):
    server = archive(finds=True)
    run(series, server.address)
    del server.stored[uids(series)[2]]

    code, printed, _ = run(series, server.address)

    assert code == 0
    assert "2 of them by an earlier call" in printed
    assert server.came == [*uids(series), uids(series)[2]]


def test_nothing_is_remembered_where_nothing_may_be_written(series, archive, tmp_path):
    server = archive()
    (tmp_path / "state").write_text("a file")

    for _ in range(2):
        sent = list(send_files([series], server.address, options=SendOptions(record=tmp_path / "state")))
        assert [(each.error, each.earlier) for each in sent] == [(None, False)] * 3


def test_an_implicit_only_server_gets_all_of_them(series, archive, run, tmp_path):
    """Explicit and implicit little endian and compressed: each arrives in the one syntax, its pixels unchanged."""
    shutil.copy(get_testdata_file("JPEG2000.dcm"), series)
    shutil.copy(get_testdata_file("MR_small_implicit.dcm"), series)
    shutil.copy(get_testdata_file("MR_small_bigendian.dcm"), series)
    given = {tags.SOPInstanceUID: tags for tags in map(dcmread, series.glob("*.dcm"))}
    kinds = {tags.SOPClassUID for tags in given.values()}
    server = archive(contexts=[VERIFICATION, *((kind, ImplicitVRLittleEndian) for kind in kinds)])

    code, _, said = run(series, server.address)

    assert (code, said) == (0, "")
    assert set(server.stored) == set(given)
    for uid, tags in server.stored.items():
        assert tags.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
        np.testing.assert_array_equal(tags.pixel_array, given[uid].pixel_array)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000])
def test_a_server_gets_the_syntax_it_takes(archive, run, syntax):
    file = Path(get_testdata_file("JPEG2000.dcm"))
    kind = dcmread(file).SOPClassUID
    server = archive(contexts=[(kind, [syntax, ImplicitVRLittleEndian])])

    assert run(file, server.address)[0] == 0
    (tags,) = server.stored.values()
    assert tags.file_meta.TransferSyntaxUID == syntax


def test_pixels_that_nothing_here_decodes_are_refused(series, archive, run, tmp_path):
    file = tmp_path / "film.dcm"
    tags = dcmread(get_testdata_file("JPEG2000.dcm"))
    tags.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    tags.save_as(file)
    server = archive(contexts=[(tags.SOPClassUID, ImplicitVRLittleEndian)])

    code, _, said = run(file, server.address)

    assert code == 1
    assert "takes it only uncompressed, and MPEG-4 AVC/H.264 High Profile / Level 4.1 cannot be decompressed" in said


def test_a_class_that_the_server_does_not_take_is_named(series, archive, run):
    shutil.copy(get_testdata_file("reportsi.dcm"), series)
    server = archive(contexts=[VERIFICATION, (SecondaryCaptureImageStorage, ExplicitVRLittleEndian)])

    code, printed, said = run(series, server.address)

    report = dcmread(series / "reportsi.dcm").SOPClassUID
    assert code == 1
    assert f"{series / 'reportsi.dcm'}: the server refused {report.name} ({report}): it does not take this SOP" in said
    assert "class (abstract syntax not supported)" in said
    assert f"{len(server.stored)} of 4 files stored" in printed


@pytest.mark.parametrize("echo", [True, False])
def test_transfer_syntaxes_that_the_server_does_not_take_are_named(series, archive, run, echo):
    kind = dcmread(next(series.glob("*.dcm"))).SOPClassUID
    server = archive(contexts=[*([VERIFICATION] if echo else []), (kind, JPEG2000Lossless)])

    code, _, said = run(series, server.address)

    assert code == 1
    assert said.count("none of the transfer syntaxes Explicit VR Little Endian, Implicit VR") == (3 if echo else 1)
    assert "(transfer syntaxes not supported)" in said


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({"title": "OTHER"}, (), "the called AE title ARCHIVE is not its own; check the address"),
        ({"require_calling_aet": ["FRIEND"]}, (), "it does not know the calling AE title MONAI-DAS; let it know us"),
    ],
)
def test_a_refused_association_says_what_it_was_refused_for(series, archive, run, settings, options, words):
    server = archive(**{"require_called_aet": True, **settings})
    address = server.address.replace("OTHER", "ARCHIVE")

    code, _, said = run(series, address, *options)

    assert code == 1
    assert f"{series}: not sent: {address} refused the association: {words}" in said


def test_a_server_that_is_busy_is_asked_again(series, archive, run):
    server = archive(maximum_associations=1)
    busy = pynetdicom.AE()
    busy.add_requested_context(VERIFICATION[0])
    other = busy.associate("127.0.0.1", server.server.socket.getsockname()[1])

    code, _, said = run(series, server.address, "--retries", 1)
    other.release()

    assert code == 1
    assert "refused the association: local limit exceeded" in said
    assert run(series, server.address)[0] == 0


def test_our_title_is_what_the_server_knows(series, archive, run):
    server = archive(require_calling_aet=["FRIEND"])

    assert run(series, server.address, "--title", "FRIEND")[0] == 0


@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom's own
def test_nobody_there_is_said(series, run):
    address = f"dicom://ARCHIVE@127.0.0.1:{free_port()}"

    code, _, said = run(series, address, "--retries", 1)

    assert code == 1
    assert f"{series}: not sent: {address} does not answer; check host and port; a second call sends" in said
    gc.collect()


@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom's own
def test_a_server_that_goes_away_ends_the_run_and_the_rest_is_sent_later(series, archive, run):
    server = archive()
    sending = send_files([series], server.address, options=SendOptions(retries=0))
    assert next(sending).error is None
    server.stop()

    assert f"{server.address} does not answer" in next(sending).error
    with pytest.raises(ConnectionError, match="does not answer"):
        list(sending)
    gc.collect()


def test_more_kinds_than_an_association_holds_take_several(tmp_path, archive, run, monkeypatch):
    monkeypatch.setattr("monai_das.reports.send_store.CONTEXTS", 4)
    tags = dcmread(get_testdata_file("CT_small.dcm"))
    for number, context in enumerate(pynetdicom.AllStoragePresentationContexts[:5]):
        tags.SOPClassUID, tags.SOPInstanceUID = context.abstract_syntax, generate_uid()
        tags.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)

    assert run(tmp_path, archive().address)[1].startswith("5 of 5 files stored")


def test_a_broken_file_does_not_stop_the_others(series, archive, run):
    (series / "a.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x00\x00ZZ" + bytes(40))
    server = archive()

    code, printed, said = run(series, server.address)

    assert code == 1
    assert said.startswith(f"{series / 'a.dcm'}: ")
    assert "3 of 4 files stored" in printed


def test_credentials_that_are_none_are_refused(series, capsys):
    said = usage_error(capsys, series, "--to", "http://host/dicom-web", "--credentials", "s3cret")

    assert "credentials must be NAME:PASSWORD or 'Bearer TOKEN'" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("address", ["ftp://host", "dicom://host:104", "dicom://AET@host", "https://"])
def test_an_address_of_another_kind_is_refused(series, capsys, address):
    assert f"{address}: give https://host/dicom-web for STOW-RS" in usage_error(capsys, series, "--to", address)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://alice:s3cret@host",
        "dicom://alice:s3cret@host:104",
        "alice:s3cret@host/dicom-web",
        "HTTPS://alice:s3cret@host",
        "https://alice:s3cret/@host/dicom-web",
        "https://alice:s3cret#@host/dicom-web",
        "https://alice:99/s3cret@host/dicom-web",
        "dicom://alice:s3cret@host:104:@x",
    ],
)
def test_no_message_holds_a_password(series, capsys, address):
    said = usage_error(capsys, series, "--to", address)

    assert "s3cret" not in said
    assert "give https://host/dicom-web for STOW-RS" in said or "write / ? # @ in a name or password as %2F" in said


def test_a_missing_input_is_refused(tmp_path, capsys):
    said = usage_error(capsys, tmp_path / "nowhere", "--to", "dicom://A@b:104")

    assert "nowhere: no such file or folder" in said


def test_what_is_no_dicom_is_refused(series, tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    assert "notes.txt: no DICOM file" in usage_error(capsys, series / "notes.txt", "--to", "dicom://A@b:104")
    assert "empty: no DICOM file; `monai-das predict" in usage_error(
        capsys, tmp_path / "empty", "--to", "dicom://A@b:1"
    )
