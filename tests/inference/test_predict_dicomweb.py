"""``monai-das predict`` on the address of a study: the same reports, and nobody named."""

import json
import logging
import shutil
import socket
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file

pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")

from monai_das.cli import main
from monai_das.data import open_source
from monai_das.datasets import write_dicom_series
from monai_das.inference.lazy_reading import SliceSelector
from monai_das.transforms import DASScaleIntensityd
from tests.case_folders import only_case, only_result, results
from tests.data.dicomweb_server import address, serving
from tests.inference.test_outputs_hold_no_identities import PLANT, found_in, plant

ALL = "json,png,html,slices,kos,sr,sc"
NAMES = ["case.html", "key_objects.dcm", "montage.dcm", "montage.png", "report.dcm", "result.json", "slices.zip"]


TAGS = {"PatientName": f"{PLANT}^EVA", "PatientID": PLANT, "StudyDescription": PLANT, "SeriesDescription": PLANT}


@pytest.fixture
def served(volume, tmp_path):
    """Serves a series of 7 slices with planted texts."""
    write_dicom_series(volume[..., :7], tmp_path / "series")
    for path in (tmp_path / "series").iterdir():
        found = dcmread(path)
        found.update(TAGS)
        found.save_as(path)
    with serving(tmp_path / "series") as server:
        yield server


def predict(bundle, out, *inputs, **options):
    extra = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return main(["predict", *map(str, inputs), "--bundle", str(bundle), "-o", str(out), *extra])


def assert_anonymous(server, folder, printed):
    """Neither planted text nor the server nor a study's or series' UID is in any output but DICOM's own."""
    contents = {name: text for name, text in found_in(folder).items() if not name.endswith(".dcm")}
    contents |= {"stdout": printed.out.encode(), "stderr": printed.err.encode()}
    found = server.objects(None, None, None)[0]
    words = (PLANT, f":{server.server_port}", "dicom-web", found.StudyInstanceUID, found.SeriesInstanceUID)
    for word in words:
        assert [name for name, text in contents.items() if word.encode() in name.encode() + text] == []


def test_a_study_on_a_server_gives_every_report_of_its_files(random_bundle, served, tmp_path, capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        code = predict(random_bundle, tmp_path / "web", address(served, 1), report=ALL, map=tmp_path / "map.json")
    printed = capfd.readouterr()
    predict(random_bundle, tmp_path / "files", served.folder, report="json")

    folder = only_case(tmp_path / "web")
    web, files = (only_result(tmp_path / name) for name in ("web", "files"))
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert (web["source"], web["total_slices"]) == ("dicomweb", 7)
    assert (web["thumbnails"], files["thumbnails"]) == ("drawn", "exact")
    assert web["probabilities"] == pytest.approx(files["probabilities"], abs=1e-4)
    places = [[(each["index"], each["sop_instance_uid"]) for each in case["selected_slices"]] for case in (web, files)]
    assert places[0] == places[1]
    assert web["case_id"] == files["case_id"] == folder.name
    assert json.loads((tmp_path / "map.json").read_text()) == {"cases": {folder.name: address(served, 2)}}
    assert_anonymous(served, tmp_path / "web", printed)
    assert [each for each in caplog.messages if served.root in each or "retrieve" in each] == []


def test_percentiles_of_all_slices_are_those_of_all_slices(predictor, served):
    """Drawings would give others, so all slices are fetched."""
    select = SliceSelector(predictor.model.network, [DASScaleIntensityd("image", 64, percentiles=(5, 95))])
    web, files = open_source(address(served, 2)), open_source(served.folder)

    loaded, expected = select(web), select(files)

    assert not web.drawn
    torch.testing.assert_close(loaded.slices, expected.slices)


def test_not_one_text_of_any_header_comes_out(random_bundle, served, tmp_path, capfd):
    for path in sorted(served.folder.iterdir())[2:]:
        path.unlink()
    for path in served.folder.iterdir():
        plant(path)

    code = predict(random_bundle, tmp_path / "out", address(served, 1), report="json,png,html")

    assert code == 0
    assert_anonymous(served, tmp_path / "out", capfd.readouterr())


@pytest.mark.parametrize("name", ["key_objects", "report", "montage"])
def test_dicom_reports_made_from_metadata_pass_the_standards_checker(random_bundle, served, tmp_path, name):
    kind = {"key_objects": "kos", "report": "sr", "montage": "sc"}[name]

    predict(random_bundle, tmp_path / "out", address(served, 2), report=kind)

    file = only_case(tmp_path / "out") / f"{name}.dcm"
    checked = subprocess.run([Path(sys.executable).with_name("dciodvfy"), file], capture_output=True, text=True)
    source, written = served.objects(None, None, None)[0], dcmread(file)
    assert [line for line in (checked.stdout + checked.stderr).splitlines() if "Error" in line] == []
    assert written.StudyInstanceUID == source.StudyInstanceUID
    assert (written.PatientName, written.PatientID) == (source.PatientName, source.PatientID)
    assert written.SeriesInstanceUID != source.SeriesInstanceUID


def test_names_in_other_scripts_come_through_metadata(random_bundle, served, tmp_path):
    """JSON is Unicode whatever Specific Character Set it names."""
    for path in served.folder.iterdir():
        found = dcmread(path)
        found.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        found.PatientName = "Yamada^Tarou=山田^太郎"
        found.save_as(path)

    predict(random_bundle, tmp_path / "out", address(served, 2), report="sr")

    written = dcmread(only_case(tmp_path / "out") / "report.dcm")
    assert (written.SpecificCharacterSet, str(written.PatientName)) == ("ISO_IR 192", "Yamada^Tarou=山田^太郎")


def test_with_phi_the_series_is_shown(random_bundle, served, tmp_path, capfd):
    code = main(
        ["predict", address(served, 1), "--bundle", str(random_bundle), "-o", str(tmp_path / "out"), "--include-phi"]
    )

    assert code == 0
    assert only_result(tmp_path / "out")["name"] == served.objects(None, None, None)[0].SeriesInstanceUID


def test_every_series_is_a_case_and_one_that_is_a_path_too_is_done_once(random_bundle, served, volume, tmp_path, capfd):
    write_dicom_series(volume, tmp_path / "other")
    first = served.objects(None, None, None)[0]
    for number, path in enumerate(sorted((tmp_path / "other").iterdir())):
        found = dcmread(path)
        found.StudyInstanceUID = first.StudyInstanceUID
        found.save_as(served.folder / f"other{number}.dcm")

    code = predict(random_bundle, tmp_path / "out", tmp_path / "other", address(served, 1), report="json")

    assert code == 0
    assert sorted(each["source"] for each in results(tmp_path / "out").values()) == ["dicom_series", "dicomweb"]
    assert "given twice, done once" in capfd.readouterr().err


@pytest.mark.parametrize("how", ["option", "environment", "address"])
def test_a_server_that_asks_is_told_and_nobody_else(random_bundle, served, tmp_path, capfd, caplog, monkeypatch, how):
    served.login = "alice:s3cret"
    place, options = address(served, 1), {}
    if how == "address":
        place = place.replace("//", "//alice:s3cret@")
    elif how == "environment":
        monkeypatch.setenv("MONAI_DAS_CREDENTIALS", "alice:s3cret")
    else:
        options = {"credentials": "alice:s3cret"}

    with caplog.at_level(logging.DEBUG):
        code = predict(random_bundle, tmp_path / "out", place, report="json", map=tmp_path / "map.json", **options)

    printed = capfd.readouterr()
    assert code == 0
    texts = [printed.out, printed.err, (tmp_path / "map.json").read_text(), *caplog.messages]
    assert [text for text in texts if "s3cret" in text or "YWxpY2U6" in text] == []


def nobody():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/dicom-web/studies/1.2.3"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("unreachable", "ConnectionError: {case}: no server can be reached there; check host and port"),
        (
            "absent",
            "FileNotFoundError: {case}: the server has nothing there (404 Not Found); check the root and the UIDs",
        ),
        ("asks", "PermissionError: {case}: the server lets only those in whom it knows (401 Unauthorized); give"),
        ("page", "ValueError: {case}: what answers does not speak DICOMweb"),
    ],
)
def test_a_server_that_fails_is_named_without_its_address_and_other_cases_go_on(
    random_bundle, served, nifti, tmp_path, capfd, what, message
):
    addresses = {
        "unreachable": nobody(),
        "absent": f"{served.root}/studies/1.2.345678",
        "asks": address(served, 2),
        "page": address(served, 1).replace("dicom-web", "viewer"),
    }
    served.login = "alice:secret" if what == "asks" else None

    code = predict(random_bundle, tmp_path / "out", nifti, addresses[what], report="json")

    printed = capfd.readouterr()
    (error,) = json.loads((tmp_path / "out" / "errors.json").read_text())["errors"]
    assert code == 1
    assert error["error"].startswith(message.format(case=error["case"]))
    assert "1 of 2 cases written" in printed.out
    assert_anonymous(served, tmp_path / "out", printed)
    assert "1.2.345678" not in printed.err


def test_an_address_of_no_study_is_a_failed_case(random_bundle, served, tmp_path, capsys):
    code = predict(random_bundle, tmp_path, served.root, address(served, 2))

    said = capsys.readouterr()
    assert code == 1
    assert "not the address of a DICOMweb study; give ROOT/studies/UID" in said.err
    assert "1 of 2 cases written" in said.out
    assert served.root not in said.err


def test_credentials_that_are_none_exit_with_2(random_bundle, served, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        predict(random_bundle, tmp_path, address(served, 1), credentials="s3cret")

    said = capsys.readouterr().err
    assert exit_.value.code == 2
    assert "credentials must be NAME:PASSWORD or 'Bearer TOKEN' in one line" in said
    assert served.root not in said
    assert "s3cret" not in said


def test_a_failing_case_of_a_server_quotes_no_header(random_bundle, served, tmp_path, capfd):
    for number, path in enumerate(sorted(served.folder.iterdir())):
        found = dcmread(path)
        found.SOPInstanceUID, found.EchoNumbers = f"1.2.{number}", 2
        found.save_as(served.folder / f"echo{number}.dcm")

    code = predict(random_bundle, tmp_path / "out", address(served, 1), report="json")

    printed = capfd.readouterr()
    assert code == 1
    (error,) = json.loads((tmp_path / "out" / "errors.json").read_text())["errors"]
    assert f"{error['case']}: ValueError: {error['case']}: 14 slices at 7 positions" in printed.err
    assert_anonymous(served, tmp_path / "out", printed)


def test_text_burned_into_a_clip_on_a_server_is_masked_or_warned_of(random_bundle, tmp_path, capfd):
    (tmp_path / "echo").mkdir()
    shutil.copy(get_testdata_file("examples_ybr_color.dcm"), tmp_path / "echo" / "clip.dcm")
    with serving(tmp_path / "echo") as server:
        code = predict(random_bundle, tmp_path / "warned", address(server, 1), report="json,kos")
        clip = dcmread(tmp_path / "echo" / "clip.dcm")
        for region in clip.SequenceOfUltrasoundRegions:
            region.RegionLocationMinX0, region.RegionLocationMinY0 = 40, 60
            region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 279, 179
        clip.save_as(tmp_path / "echo" / "clip.dcm")
        predict(random_bundle, tmp_path / "masked", address(server, 1), report="json,slices,kos,sr")

    warned, masked = (only_result(tmp_path / name) for name in ("warned", "masked"))
    assert code == 0
    assert "may hold burned-in text" in warned["warnings"][0]
    assert masked["warnings"] == []
    pictures = slices_of(only_case(tmp_path / "masked") / "slices.zip")[:, 24:]  # below the name of the frame
    assert (
        pictures[:, :36].max() == pictures[:, 156:].max() == pictures[..., :40].max() == pictures[..., 280:].max() == 0
    )
    assert pictures[:, 36:156, 40:280].max() > 100
    frames = [each["frame"] for each in masked["selected_slices"]]
    kos = dcmread(only_case(tmp_path / "masked") / "key_objects.dcm")
    (item,) = [each for each in kos.ContentSequence if each.ValueType == "IMAGE"]
    assert list(item.ReferencedSOPSequence[0].ReferencedFrameNumber) == frames


def slices_of(file):
    """All pictures of a ``slices.zip``, ``(D, rows, columns)``."""
    with zipfile.ZipFile(file) as archive:
        return np.stack(
            [np.asarray(Image.open(BytesIO(archive.read(name))).convert("L")) for name in archive.namelist()]
        )
