"""``monai-das send``: what is sent again, what is refused at once, and what no message holds."""

import pytest
from pydicom import dcmread

from monai_das.cli import main
from monai_das.reports import SendOptions, send_files

pytest.importorskip("pynetdicom")


def uids(folder):
    """The SOPInstanceUIDs of a folder, in the order of its files."""
    return [dcmread(path).SOPInstanceUID for path in sorted(folder.glob("*.dcm"))]


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["send", *map(str, arguments)])
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_a_second_call_sends_only_what_is_missing(series, store_archive, run_send):
    server = store_archive()
    server.statuses = [0x0000, 0xC000]
    run_send(series, server.address)
    came = len(server.came)

    code, printed, _ = run_send(series, server.address)

    assert code == 0
    assert printed == (
        f"3 of 3 files stored at {server.address}, 2 of them by an earlier call (--again sends these too)\n"
    )
    assert server.came[came:] == uids(series)[1:2]
    assert run_send(series, server.address, "--again")[1] == f"3 of 3 files stored at {server.address}\n"
    assert len(server.came) == came + 4


def test_a_file_that_changed_since_is_missing_too(series, store_archive, run_send, tmp_path):
    server = store_archive()
    run_send(series, server.address)
    changed = sorted(series.glob("*.dcm"))[0]
    tags = dcmread(changed)
    tags.ImageComments = "corrected"
    tags.save_as(changed)

    run_send(series, server.address)

    assert server.came[3:] == uids(series)[:1]


def test_what_the_server_says_it_lost_is_sent_again(series, store_archive, run_send):
    server = store_archive(finds=True)
    run_send(series, server.address)
    del server.stored[uids(series)[2]]

    code, printed, _ = run_send(series, server.address)

    assert code == 0
    assert "2 of them by an earlier call" in printed
    assert server.came == [*uids(series), uids(series)[2]]


def test_nothing_is_remembered_where_nothing_may_be_written(series, store_archive, tmp_path):
    server = store_archive()
    (tmp_path / "state").write_text("a file")

    for _ in range(2):
        sent = list(send_files([series], server.address, options=SendOptions(record=tmp_path / "state")))
        assert [(each.error, each.earlier) for each in sent] == [(None, False)] * 3


def test_a_broken_file_does_not_stop_the_others(series, store_archive, run_send):
    (series / "a.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x00\x00ZZ" + bytes(40))
    server = store_archive()

    code, printed, said = run_send(series, server.address, "--include-phi")

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

    assert "FILE_OR_FOLDER: no such file or folder" in said


def test_what_is_no_dicom_is_refused(series, tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    assert "FILE_OR_FOLDER: no DICOM file" in usage_error(capsys, series / "notes.txt", "--to", "dicom://A@b:104")
    assert "FILE_OR_FOLDER: no DICOM file; `monai-das predict" in usage_error(
        capsys, tmp_path / "empty", "--to", "dicom://A@b:1"
    )
