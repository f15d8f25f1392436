"""DICOM objects as small as they can be, and the real ones."""

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from monai_das.datasets import write_dicom_series


@pytest.fixture
def volume():
    """Values that are all different, with three different sides."""
    return np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4) - 50


@pytest.fixture
def series(tmp_path, volume):
    """A folder with the volume as a DICOM series of 2 x 3 x 4 mm."""
    write_dicom_series(volume, tmp_path / "series", spacing=(2.0, 3.0, 4.0))
    return tmp_path / "series"


@pytest.fixture
def edit():
    """Change tags of the DICOM file at a path; a value of None deletes the tag."""

    def change(path, **tags):
        found = dcmread(path)
        for keyword, value in tags.items():
            if value is None:
                delattr(found, keyword)
            else:
                setattr(found, keyword, value)
        found.save_as(path)

    return change


def multiframe(path, pixels, kind, **tags):
    found = Dataset()
    found.SOPClassUID, found.SOPInstanceUID, found.SeriesInstanceUID = kind, generate_uid(), generate_uid()
    found.NumberOfFrames, found.Rows, found.Columns = pixels.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated = found.BitsStored = 16
    found.HighBit, found.PixelRepresentation = 15, 0
    found.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def make_clip(tmp_path):
    """Write a grey ultrasound clip of 4 frames with extra tags, and return its path."""

    def make(name="clip.dcm", **tags):
        pixels = np.arange(4 * 6 * 5).reshape(4, 6, 5)
        return multiframe(tmp_path / name, pixels, UltrasoundMultiFrameImageStorage, **tags)

    return make


def item(**values):
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


@pytest.fixture
def make_enhanced(tmp_path):
    """Write an enhanced MR object of frames at these heights in mm, and return its path; None is no position."""

    def make(heights=(9.0, 0.0, 6.0, 3.0), spacing=(1.5, 2.5), slope=2.0, count=None):
        frames = [
            item(PlanePositionSequence=[] if height is None else [item(ImagePositionPatient=[-7.0, -8.0, height])])
            for height in heights
        ]
        shared = item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelMeasuresSequence=[item(PixelSpacing=list(spacing), SliceThickness=3.0)] if spacing else [],
            PixelValueTransformationSequence=[item(RescaleSlope=slope, RescaleIntercept=-10.0, RescaleType="US")],
        )
        groups = {"PerFrameFunctionalGroupsSequence": frames, "SharedFunctionalGroupsSequence": [shared]}
        count = len(heights) if count is None else count
        pixels = np.arange(count * 6 * 5).reshape(count, 6, 5)
        return multiframe(tmp_path / "enhanced.dcm", pixels, EnhancedMRImageStorage, **groups)

    return make
