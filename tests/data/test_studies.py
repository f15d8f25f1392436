"""What a user types becomes cases: paths, and studies on a DICOMweb server series by series."""

import socket

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

pytest.importorskip("dicomweb_client")

from monai_das.data import dicomweb_cases, find_studies, open_source
from monai_das.datasets import write_dicom_series
from tests.data.dicomweb_server import serving

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture
def study(tmp_path):
    """Serves one study: two series of three slices, numbered 7 and 3, and our reports beside them."""
    (tmp_path / "all").mkdir()
    write_dicom_series(np.zeros((8, 8, 3), np.int16), tmp_path / "first")
    uid = next(iter((tmp_path / "first").iterdir()))
    uid = dcmread(uid).StudyInstanceUID
    moved(tmp_path / "first", tmp_path / "all", "a", StudyInstanceUID=uid, SeriesNumber=7)
    for number, tags in enumerate(
        (
            {"SeriesNumber": 3},
            {"SOPClassUID": SECONDARY_CAPTURE, "Modality": "OT"},
            {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        )
    ):
        write_dicom_series(np.zeros((8, 8, 3), np.int16), tmp_path / f"more{number}")
        moved(tmp_path / f"more{number}", tmp_path / "all", f"m{number}", StudyInstanceUID=uid, **tags)
    report = dcmread(get_testdata_file("reportsi.dcm"))
    report.StudyInstanceUID = uid
    report.save_as(tmp_path / "all" / "report.dcm")
    with serving(tmp_path / "all") as server:
        server.study = f"{server.root}/studies/{uid}"
        yield server


def moved(folder, to, name, **tags):
    for number, path in enumerate(sorted(folder.iterdir())):
        found = dcmread(path)
        for keyword, value in tags.items():
            setattr(found, keyword, value)
        found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
        found.save_as(to / f"{name}{number}.dcm")


def numbers(server, cases):
    """The SeriesNumber of each case, by its address."""
    known = {str(each.SeriesInstanceUID): each.get("SeriesNumber") for each in server.objects(None, None, None)}
    return [known[case.rpartition("/")[2]] for case in cases]


def test_of_a_study_every_acquired_series_is_a_case_in_the_order_of_their_numbers(study):
    cases = dicomweb_cases(f"{study.study}/")

    assert numbers(study, cases) == [3, 7]
    assert all(case.startswith(f"{study.study}/series/") for case in cases)
    assert [len(open_source(case)) for case in cases] == [3, 3]


def test_a_series_that_is_named_is_a_case_whatever_it_is(study):
    capture = next(each for each in study.objects(None, None, None) if each.SOPClassUID == SECONDARY_CAPTURE)
    address = f"{study.study}/series/{capture.SeriesInstanceUID}"

    assert dicomweb_cases(address) == [address]


def test_a_study_without_acquired_images_says_what_it_has(study):
    for path in study.folder.glob("*.dcm"):
        if path.name[0] == "a" or path.name[:2] in ("m0", "m2"):
            path.unlink()

    assert dicomweb_cases(study.study) == [study.study]
    with pytest.raises(ValueError, match=r"no acquired images, only 3 x secondary capture; give the acquired series"):
        open_source(study.study)


def test_every_clip_of_a_series_is_a_case(tmp_path):
    (tmp_path / "echo").mkdir()
    clip = dcmread(get_testdata_file("examples_ybr_color.dcm"))
    address = f"studies/{clip.StudyInstanceUID}/series/{clip.SeriesInstanceUID}"
    for number in range(2):
        clip.SOPInstanceUID = generate_uid()
        clip.save_as(tmp_path / "echo" / f"{number}.dcm")
        with serving(tmp_path / "echo") as server:
            cases = dicomweb_cases(f"{server.root}/{address}")

            assert len(cases) == number + 1
            assert cases[-1] == f"{server.root}/{address}" + (f"/instances/{max_uid(server)}" if number else "")
            assert [len(open_source(case)) for case in cases] == [30] * (number + 1)
            assert dicomweb_cases(cases[0]) == cases[:1]


def max_uid(server):
    return max(str(each.SOPInstanceUID) for each in server.objects(None, None, None))


def test_paths_and_addresses_keep_their_order_and_count_once(study, tmp_path):
    write_dicom_series(np.zeros((8, 8, 3), np.int16), tmp_path / "local")

    cases = find_studies(
        [study.study, tmp_path / "local", f"{study.study}/", str(tmp_path / "local"), tmp_path / "local"]
    )

    assert numbers(study, [case for _, case in cases[:2]]) == [3, 7]
    assert [name for name, _ in cases] == [case.rpartition("/")[2] for _, case in cases[:2]] + ["local"]
    assert cases[2][1] == tmp_path / "local"


def test_nothing_given_says_what_to_give():
    with pytest.raises(ValueError, match="no input given; give NIfTI files, videos, DICOM files or folders"):
        find_studies([])


def test_a_server_that_does_not_answer_is_left_to_who_opens_the_case(study):
    study.login = "alice:secret"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}/studies/1.2.3"

    assert dicomweb_cases(study.study) == [study.study]
    assert dicomweb_cases(nobody) == [nobody]
    assert dicomweb_cases(study.study.replace("//", "//alice:secret@")) != [study.study]


def test_an_address_of_no_study_is_refused():
    with pytest.raises(ValueError, match="not the address of a DICOMweb study; give ROOT/studies/UID"):
        dicomweb_cases("http://127.0.0.1/dicom-web")


def test_slices_beside_clips_are_one_case_and_each_clip_another(study):
    first = dcmread(study.folder / "a0.dcm")
    clip = dcmread(get_testdata_file("examples_ybr_color.dcm"))
    clip.StudyInstanceUID, clip.SeriesInstanceUID = first.StudyInstanceUID, first.SeriesInstanceUID
    clip.save_as(study.folder / "clip.dcm")
    series = f"{study.study}/series/{first.SeriesInstanceUID}"

    assert dicomweb_cases(series) == [series, f"{series}/instances/{clip.SOPInstanceUID}"]
    source = open_source(series)
    assert len(source) == 3
    assert source.warnings == ("1 objects of several frames lie beside the slices and are not read here",)
