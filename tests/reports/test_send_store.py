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

from monai_das.reports import SendOptions, send_files
from tests.bad_files import stripped

pytest.importorskip("pynetdicom")

import pynetdicom

VERIFICATION = ("1.2.840.10008.1.1", ImplicitVRLittleEndian)


def uids(folder):
    """The SOPInstanceUIDs of a folder, in the order of its files."""
    return [dcmread(path).SOPInstanceUID for path in sorted(folder.glob("*.dcm"))]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_every_file_of_a_folder_arrives(series, store_archive, run_send):
    server = store_archive()

    assert run_send(series, server.address) == (0, f"3 of 3 files stored at {server.address}\n", "")
    assert list(server.stored) == uids(series)


@pytest.mark.parametrize("meta", [True, False])
def test_a_file_without_preamble_arrives_too(series, store_archive, run_send, meta):
    server, wanted = store_archive(), uids(series)
    stripped(min(series.glob("*.dcm")), meta=meta)

    assert run_send(series, server.address)[0] == 0
    assert list(server.stored) == wanted


def test_a_refused_file_is_named_and_the_others_go_on(series, store_archive, run_send):
    server = store_archive()
    server.statuses = [0x0000, 0xC000]

    code, printed, said = run_send(series, server.address)

    assert code == 1
    assert said == f"{sorted(series.glob('*.dcm'))[1]}: the server refused it, status 0xc000\n"
    assert "2 of 3 files stored" in printed
    assert len(server.stored) == 2


def test_a_warning_of_the_server_is_no_failure(series, store_archive, run_send):
    server = store_archive()
    server.statuses = [0xB000]

    assert run_send(series, server.address)[0] == 0


@pytest.mark.parametrize("fault", [0xA700, "abort"])
def test_what_a_server_has_no_room_for_or_breaks_off_is_sent_again(series, store_archive, run_send, fault):
    server = store_archive()
    server.statuses = [fault, fault]

    assert run_send(series, server.address)[0] == 0
    assert list(server.stored) == uids(series)


def test_a_server_that_breaks_off_for_good_is_said(series, store_archive, run_send):
    server = store_archive()
    server.statuses = ["abort"] * 99

    code, printed, said = run_send(series, server.address, "--retries", 1)

    assert code == 1
    assert said.count(": the server broke the connection\n") == 3
    assert "0 of 3 files stored" in printed
    assert len(server.came) == 6


def test_an_implicit_only_server_gets_all_of_them(series, store_archive, run_send, tmp_path):
    """Explicit and implicit little endian and compressed: each arrives in the one syntax, its pixels unchanged."""
    shutil.copy(get_testdata_file("JPEG2000.dcm"), series)
    shutil.copy(get_testdata_file("MR_small_implicit.dcm"), series)
    shutil.copy(get_testdata_file("MR_small_bigendian.dcm"), series)
    given = {tags.SOPInstanceUID: tags for tags in map(dcmread, series.glob("*.dcm"))}
    kinds = {tags.SOPClassUID for tags in given.values()}
    server = store_archive(contexts=[VERIFICATION, *((kind, ImplicitVRLittleEndian) for kind in kinds)])

    code, _, said = run_send(series, server.address)

    assert (code, said) == (0, "")
    assert set(server.stored) == set(given)
    for uid, tags in server.stored.items():
        assert tags.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
        np.testing.assert_array_equal(tags.pixel_array, given[uid].pixel_array)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000])
def test_a_server_gets_the_syntax_it_takes(store_archive, run_send, syntax):
    file = Path(get_testdata_file("JPEG2000.dcm"))
    kind = dcmread(file).SOPClassUID
    server = store_archive(contexts=[(kind, [syntax, ImplicitVRLittleEndian])])

    assert run_send(file, server.address)[0] == 0
    (tags,) = server.stored.values()
    assert tags.file_meta.TransferSyntaxUID == syntax


def test_pixels_that_nothing_here_decodes_are_refused(series, store_archive, run_send, tmp_path):
    file = tmp_path / "film.dcm"
    tags = dcmread(get_testdata_file("JPEG2000.dcm"))
    tags.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    tags.save_as(file)
    server = store_archive(contexts=[(tags.SOPClassUID, ImplicitVRLittleEndian)])

    code, _, said = run_send(file, server.address)

    assert code == 1
    assert "takes it only as Implicit VR Little Endian, and MPEG-4 AVC/H.264 High Profile / Level 4.1 cannot be" in said


def test_a_class_that_the_server_does_not_take_is_named(series, store_archive, run_send):
    shutil.copy(get_testdata_file("reportsi.dcm"), series)
    server = store_archive(contexts=[VERIFICATION, (SecondaryCaptureImageStorage, ExplicitVRLittleEndian)])

    code, printed, said = run_send(series, server.address)

    report = dcmread(series / "reportsi.dcm").SOPClassUID
    assert code == 1
    assert f"{series / 'reportsi.dcm'}: the server refused {report.name} ({report}): it does not take this SOP" in said
    assert "class (abstract syntax not supported)" in said
    assert f"{len(server.stored)} of 4 files stored" in printed


@pytest.mark.parametrize("echo", [True, False])
def test_transfer_syntaxes_that_the_server_does_not_take_are_named(series, store_archive, run_send, echo):
    kind = dcmread(next(series.glob("*.dcm"))).SOPClassUID
    server = store_archive(contexts=[*([VERIFICATION] if echo else []), (kind, JPEG2000Lossless)])

    code, _, said = run_send(series, server.address)

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
def test_a_refused_association_says_what_it_was_refused_for(series, store_archive, run_send, settings, options, words):
    server = store_archive(**{"require_called_aet": True, **settings})
    address = server.address.replace("OTHER", "ARCHIVE")

    code, _, said = run_send(series, address, *options)

    assert code == 1
    assert f"nothing is sent: {address} refused the association: {words}" in said


def test_a_server_that_is_busy_is_asked_again(series, store_archive, run_send):
    server = store_archive(maximum_associations=1)
    busy = pynetdicom.AE()
    busy.add_requested_context(VERIFICATION[0])
    other = busy.associate("127.0.0.1", server.server.socket.getsockname()[1])

    code, _, said = run_send(series, server.address, "--retries", 1)
    other.release()

    assert code == 1
    assert "refused the association: local limit exceeded" in said
    assert run_send(series, server.address)[0] == 0


def test_our_title_is_what_the_server_knows(series, store_archive, run_send):
    server = store_archive(require_calling_aet=["FRIEND"])

    assert run_send(series, server.address, "--title", "FRIEND")[0] == 0


@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom's own
def test_nobody_there_is_said(series, run_send):
    address = f"dicom://ARCHIVE@127.0.0.1:{free_port()}"

    code, _, said = run_send(series, address, "--retries", 1)

    assert code == 1
    assert f"nothing is sent: {address} does not answer; check host and port; a second call sends" in said
    gc.collect()


@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom's own
def test_a_server_that_goes_away_ends_the_run_and_the_rest_is_sent_later(series, store_archive, run_send):
    server = store_archive()
    sending = send_files([series], server.address, options=SendOptions(retries=0))
    assert next(sending).error is None
    server.stop()

    assert f"{server.address} does not answer" in next(sending).error
    with pytest.raises(ConnectionError, match="does not answer"):
        list(sending)
    gc.collect()


def test_more_kinds_than_an_association_holds_take_several(tmp_path, store_archive, run_send, monkeypatch):
    monkeypatch.setattr("monai_das.reports.send_store.CONTEXTS", 4)
    tags = dcmread(get_testdata_file("CT_small.dcm"))
    for number, context in enumerate(pynetdicom.AllStoragePresentationContexts[:5]):
        tags.SOPClassUID, tags.SOPInstanceUID = context.abstract_syntax, generate_uid()
        tags.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)

    assert run_send(tmp_path, store_archive().address)[1].startswith("5 of 5 files stored")
