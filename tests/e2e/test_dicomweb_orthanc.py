"""DICOMwebSource against a real Orthanc: the same slices as from the files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.data import get_testdata_file

pytest.importorskip("dicomweb_client")

from monai_das.data import DICOMwebSource, open_source
from monai_das.datasets import make_sample_volumes, write_dicom_series
from monai_das.transforms import make_thumbnails


@pytest.fixture
def series(tmp_path):
    volume = make_sample_volumes(1, 64)[0]["image"][0].astype(np.int16) * 10 - 500
    write_dicom_series(volume[:, :48, :40], tmp_path / "series")
    return tmp_path / "series"


def stored(orthanc, path):
    """Store the file or folder ``path`` and return the address of its object or series."""
    orthanc.upload(path)
    found = dcmread(next(path.iterdir()) if path.is_dir() else path)
    address = f"{orthanc.dicomweb}/studies/{found.StudyInstanceUID}/series/{found.SeriesInstanceUID}"
    return address if path.is_dir() else f"{address}/instances/{found.SOPInstanceUID}"


def agreement(drawn, truth):
    return float(np.corrcoef(drawn.flatten(), truth.flatten())[0, 1])


def test_a_series_is_what_its_files_are(orthanc, series):
    files = open_source(series)

    source = open_source(stored(orthanc, series))

    assert source.refs == files.refs
    np.testing.assert_array_equal(source.affine, files.affine)
    assert torch.equal(source.read([39, 0, 7]), files.read([39, 0, 7]))
    truth = make_thumbnails(files.read_all().as_tensor()[None], 16)[0]
    assert agreement(source.thumbnails(16), truth) > 0.97
    assert source.drawn


# monochrome CT; colour echo in JPEG, 30 frames; JPEG 2000; palette
@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "examples_ybr_color.dcm", "examples_jpeg2k.dcm", "examples_palette.dcm"]
)
def test_real_objects_are_what_their_files_are(orthanc, name):
    path = Path(get_testdata_file(name))
    files = open_source(path)

    source = DICOMwebSource(stored(orthanc, path))

    places = [len(files) - 1, 0]
    assert source.refs == files.refs
    assert torch.equal(source.read(places), files.read(places))
    truth = make_thumbnails(files.read_all().as_tensor()[None], 16)[0]
    assert agreement(source.thumbnails(16), truth) > 0.97


def test_users_are_asked_for(start_orthanc, series):
    with start_orthanc(RegisteredUsers={"alice": "secret"}) as server:
        address = f"{server.dicomweb}/studies/1.2.3"

        with pytest.raises(PermissionError, match="401 Unauthorized"):
            DICOMwebSource(address)
        with pytest.raises(FileNotFoundError, match="404 Not Found"):
            DICOMwebSource(address.replace("//", "//alice:secret@"))
