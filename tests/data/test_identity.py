"""What a study is called: by its own content, never by its path, name, order or the run it is in."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_das.data import CASE_ID, CaseKey, SliceSource, open_source
from monai_das.datasets import write_dicom_series, write_nifti
from tests.data.dicomweb_server import address, serving

KEY = CaseKey(b"a key of the tests, known to everyone")
VOLUME = np.random.default_rng(0).integers(0, 255, (12, 10, 6)).astype(np.uint8)


def case_id(study, choose=None):
    return KEY.case_id(open_source(study, choose))


@pytest.fixture
def series(tmp_path):
    write_dicom_series(VOLUME, tmp_path / "DOE_JANE", patient_id="4711")
    return tmp_path / "DOE_JANE"


def changed(path, **tags):
    header = dcmread(path)
    for keyword, value in tags.items():
        setattr(header, keyword, value)
        if value is None:
            del header[keyword]
    header.save_as(path)


def test_an_id_is_opaque_and_of_the_key(series):
    name = case_id(series)

    assert CASE_ID.fullmatch(name)
    assert name == case_id(series)
    assert name != CaseKey.new().case_id(open_source(series))


def test_a_series_has_its_id_under_any_path_and_name_and_in_any_order(series, tmp_path):
    (tmp_path / "copy").mkdir()
    for number, path in enumerate(sorted(series.iterdir(), reverse=True)):
        shutil.copy(path, tmp_path / "copy" / f"z{number}")
    write_dicom_series(VOLUME, tmp_path / "same pixels")

    assert case_id(tmp_path / "copy") == case_id(series)
    assert case_id(tmp_path / "same pixels") != case_id(series)


def test_a_series_without_one_of_its_slices_is_another_case(series):
    """The numbers of slices mean others there."""
    whole = case_id(series)
    sorted(series.iterdir())[-1].unlink()

    assert case_id(series) != whole


def test_echoes_and_time_points_of_a_series_are_cases_of_their_own(series, tmp_path):
    for number, path in enumerate(sorted(series.iterdir())):
        echo = shutil.copy(path, series / f"echo{number}.dcm")
        changed(path, EchoNumbers=1)
        changed(echo, EchoNumbers=2, SOPInstanceUID=generate_uid())
    (tmp_path / "second").mkdir()
    for path in series.glob("echo*"):
        shutil.copy(path, tmp_path / "second")

    first, second = (case_id(series, {"EchoNumbers": number}) for number in (1, 2))

    assert first != second == case_id(tmp_path / "second")


def test_objects_of_several_frames_of_one_series_are_cases_of_their_own(tmp_path):
    echo = get_testdata_file("examples_ybr_color.dcm")
    other = tmp_path / "other.dcm"
    shutil.copy(echo, other)
    assert case_id(other) == case_id(echo)
    changed(other, SOPInstanceUID=generate_uid())

    assert case_id(other) != case_id(echo)


def test_the_server_gives_the_id_of_the_files(series, tmp_path):
    pytest.importorskip("dicomweb_client")
    with serving(series) as server:
        assert {case_id(address(server, depth)) for depth in (1, 2)} == {case_id(series)}
        assert KEY.group(open_source(address(server, 2))) == KEY.group(open_source(series)) == KEY.patient("4711")
    (tmp_path / "clip").mkdir()
    echo = shutil.copy(get_testdata_file("examples_ybr_color.dcm"), tmp_path / "clip")
    with serving(tmp_path / "clip") as server:
        assert {case_id(address(server, depth)) for depth in (1, 2, 3)} == {case_id(echo)}


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID"])
def test_without_uids_the_content_counts(series, tmp_path, keyword):
    (tmp_path / "copy").mkdir()
    for number, path in enumerate(sorted(series.iterdir())):
        changed(path, **{keyword: None})
        shutil.copy(path, tmp_path / "copy" / f"{9 - number}.dcm")
    write_dicom_series(VOLUME + 1, tmp_path / "other")
    for path in (tmp_path / "other").iterdir():
        changed(path, **{keyword: None})

    assert case_id(tmp_path / "copy") == case_id(series) != case_id(tmp_path / "other")


@pytest.mark.parametrize("name", ["case.nii", "case.nii.gz"])
def test_a_file_is_its_bytes(tmp_path, name):
    write_nifti(VOLUME, tmp_path / name)
    other = shutil.copy(tmp_path / name, tmp_path / f"aaa_{name}")
    known = case_id(tmp_path / name)

    assert case_id(other) == known
    write_nifti(VOLUME[..., ::-1].copy(), tmp_path / name)
    assert case_id(tmp_path / name) != known


@pytest.mark.parametrize("packed", [False, True])
def test_time_points_of_a_file_are_cases_of_their_own(tmp_path, packed):
    import nibabel

    path = tmp_path / "case.nii"
    nibabel.save(nibabel.Nifti1Image(np.stack([VOLUME, VOLUME], axis=-1), np.eye(4)), path)
    if packed:
        path = path.with_name("case.nii.gz")
        path.write_bytes(gzip.compress((tmp_path / "case.nii").read_bytes()))

    assert len({case_id(path, {"time_point": number}) for number in (0, 1)}) == 2


def test_a_video_is_its_bytes(tmp_path):
    pytest.importorskip("av")
    from tests.data.video_clips import moving_bars, write_video

    path = tmp_path / "clip.mp4"
    write_video(path, moving_bars(5))

    assert case_id(path) == case_id(shutil.copy(path, tmp_path / "patient_7.mp4"))


def test_an_array_is_its_values_and_place():
    array = torch.from_numpy(VOLUME)[None]

    assert case_id(array) == case_id(array.numpy().astype(np.float64)) != case_id(array + 1)
    assert case_id(MetaTensor(array, affine=torch.eye(4) * 2)) != case_id(array)


class OwnSource(SliceSource):
    """A format of somebody else, who says nothing of files."""

    def __init__(self, source):
        self.source, self.name, self.kind, self.refs = source, "own", source.kind, source.refs
        self.affine, self.channels, self.plane_shape = source.affine, source.channels, source.plane_shape

    def thumbnails(self, size):
        return self.source.thumbnails(size)

    def read(self, indices):
        return self.source.read(indices)


def test_a_source_of_somebody_else_is_its_values(tmp_path):
    write_nifti(VOLUME, tmp_path / "a.nii.gz")
    write_nifti(VOLUME, tmp_path / "b.nii.gz")
    write_nifti(VOLUME + 1, tmp_path / "c.nii.gz")
    first, second, other = (KEY.case_id(OwnSource(open_source(tmp_path / f"{name}.nii.gz"))) for name in "abc")

    assert first == second != other


def test_the_patient_is_a_group_with_issuer_else_the_study_else_the_case(series, tmp_path):
    assert KEY.group(open_source(series)) == KEY.patient("4711")
    for path in series.iterdir():
        changed(path, IssuerOfPatientID="Hospital A")
    assert KEY.group(open_source(series)) == KEY.patient("4711", "Hospital A")
    study = dcmread(next(series.iterdir())).StudyInstanceUID
    write_dicom_series(VOLUME, tmp_path / "second")
    for path in (*series.iterdir(), *(tmp_path / "second").iterdir()):
        changed(path, PatientID="", StudyInstanceUID=study)
    assert KEY.group(open_source(series)) == KEY.group(open_source(tmp_path / "second")) != KEY.patient("")
    for path in series.iterdir():
        changed(path, StudyInstanceUID="")
    assert KEY.group(open_source(series)) == case_id(series)
    write_nifti(VOLUME, tmp_path / "case.nii.gz")
    assert KEY.group(open_source(tmp_path / "case.nii.gz")) == case_id(tmp_path / "case.nii.gz")


def test_the_order_of_frames_and_slices_does_not_make_the_id(series):
    headers = open_source(series).files
    from monai_das.data.dicom import image_header

    assert KEY.headers_id([image_header(path) for path in reversed(headers)]) == case_id(series)
    echo = Path(get_testdata_file("examples_ybr_color.dcm"))
    assert KEY.headers_id([image_header(echo)]) == case_id(echo)


def test_what_cannot_be_opened_is_called_by_what_can_be_known_of_it(series, tmp_path):
    whole = case_id(series)
    first = sorted(series.iterdir())[0]
    first.write_bytes(first.read_bytes()[:-50])
    damaged = tmp_path / "damaged.nii.gz"
    damaged.write_bytes(b"no NIfTI")
    copy = shutil.copy(damaged, tmp_path / "elsewhere.nii.gz")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    places = [tmp_path / "nowhere", tmp_path / "empty", loop, Path("\0"), "https://pacs.org/dicom-web/studies/1.2.3"]
    (tmp_path / "empty").mkdir()

    assert KEY.unopened_id(series) == whole
    assert KEY.unopened_id(damaged) == KEY.unopened_id(copy)
    named = [KEY.unopened_id(place) for place in places]
    assert len({*named, whole, KEY.unopened_id(damaged)}) == len(named) + 2
    assert all(CASE_ID.fullmatch(name) for name in named)


def test_an_address_is_its_uids_whatever_the_server_and_login():
    addresses = ["http://a.org/dicom-web/studies/1.2/series/3.4", "https://eva:pw@b.org:8042/x/studies/1.2/series/3.4/"]

    assert len({KEY.unopened_id(each) for each in addresses}) == 1
    assert KEY.unopened_id("http://a.org/dicom-web/studies/1.2/series/3.5") != KEY.unopened_id(addresses[0])


def test_a_huge_file_that_cannot_be_opened_is_named_at_once(tmp_path):
    with (tmp_path / "huge.nii").open("wb") as stream:
        stream.truncate(1 << 40)

    assert CASE_ID.fullmatch(KEY.unopened_id(tmp_path / "huge.nii"))


def test_places_have_ids_of_their_own(tmp_path):
    assert KEY.place_id(tmp_path / "a") != KEY.place_id(tmp_path / "b")
    assert KEY.place_id("http://a.org") != KEY.place_id("http://b.org")
