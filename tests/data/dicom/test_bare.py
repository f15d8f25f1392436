"""DICOM without preamble, with or without file meta, is read as the same file with them is."""

import shutil
from pathlib import Path

import pytest
import torch
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from monai_das.data import find_cases, is_dicom_file, open_source, read_volume, survey_studies
from monai_das.data.dicom import read_dataset
from tests.bad_files import stripped


def recoded(path, syntax):
    found = dcmread(path)
    found.file_meta.TransferSyntaxUID = syntax
    found.save_as(path, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("meta", [False, True])
def test_a_series_without_preamble_is_the_same_series(series, syntax, meta):
    truth = read_volume(series).image
    for path in series.iterdir():
        recoded(path, syntax)
        stripped(path, meta=meta)

    assert find_cases([series]) == [("series", series)]
    source = open_source(series)
    assert torch.equal(source.read_all().as_tensor(), truth.as_tensor())
    assert source.header(0).Rows == 5
    assert source.header(0).file_meta.TransferSyntaxUID == syntax


def test_one_file_without_preamble_among_others_is_a_slice_of_theirs(series):
    stripped(next(series.iterdir()), meta=False)

    source = open_source(series)

    assert (len(source), source.warnings) == (4, ())


@pytest.mark.parametrize("name", ["ExplVR_LitEndNoMeta.dcm", "ExplVR_BigEndNoMeta.dcm", "rtstruct.dcm"])
def test_real_files_without_meta_are_dicom(tmp_path, name):
    shutil.copy(get_testdata_file(name), tmp_path)

    assert is_dicom_file(tmp_path / name)
    (passed,) = survey_studies([tmp_path]).passed_over
    assert passed.format.startswith("DICOM RT ")
    assert len(read_dataset(tmp_path / name)) > 20


def test_compressed_pixels_without_a_word_how_are_refused(tmp_path):
    path = Path(shutil.copy(get_testdata_file("examples_jpeg2k.dcm"), tmp_path))
    assert dcmread(path).file_meta.TransferSyntaxUID == JPEG2000Lossless
    stripped(path, meta=False)

    with pytest.raises(ValueError, match=r"compressed pixels, and TransferSyntaxUID \(0002,0010\) does not say how"):
        open_source(path)


@pytest.mark.parametrize("content", [b"\x08\0\5\0text", b"\x08\0" + bytes(600), b"\x02\0\x10\0XX\4\0abcd", b"\x08"])
def test_other_files_are_not_taken_for_dicom(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    assert not is_dicom_file(tmp_path / "file")
