"""A study of one series with file names that hold the patient's."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from monai_das.datasets import write_dicom_series


@pytest.fixture
def volume():
    """Values that are all different, with three different sides."""
    return np.arange(12 * 10 * 6, dtype=np.int16).reshape(12, 10, 6)


@pytest.fixture
def study(tmp_path, volume):
    """A study with pixels four times as high as wide, in a folder below it."""
    write_dicom_series(volume, tmp_path / "study" / "MEIER^EVA", spacing=(0.5, 2.0, 2.5))
    return tmp_path / "study"


@pytest.fixture
def scratch(tmp_path):
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def make_clip_file():
    """Write a grey ultrasound clip of 4 frames of the series ``series`` to ``path``."""

    def make(path, series):
        clip = Dataset()
        clip.SOPClassUID, clip.SOPInstanceUID, clip.SeriesInstanceUID = (
            UltrasoundMultiFrameImageStorage,
            generate_uid(),
            series,
        )
        clip.Modality, clip.NumberOfFrames, clip.Rows, clip.Columns = "US", 4, 6, 5
        clip.SamplesPerPixel, clip.PhotometricInterpretation = 1, "MONOCHROME2"
        clip.BitsAllocated = clip.BitsStored = 16
        clip.HighBit, clip.PixelRepresentation = 15, 0
        clip.PixelData = np.arange(4 * 6 * 5).astype("<u2").tobytes()
        clip.file_meta = FileMetaDataset()
        clip.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path.parent.mkdir(exist_ok=True)
        clip.save_as(path, enforce_file_format=True)

    return make
