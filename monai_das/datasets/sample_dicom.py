"""Write an array as a DICOM series, as awkward as in a hospital: names and numbers out of order."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset

MR_CLASS = "1.2.840.10008.5.1.4.1.1.4"


def write_dicom_series(
    volume: NDArray[Any],
    folder: str | PathLike[str],
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    patient_id: str = "SAMPLE",
    seed: int = 0,
) -> list[str]:
    """Write ``volume`` ``(H, W, D)`` as an axial MR series (derived images), one file per slice.

    The axes of ``volume`` point to the patient's right, front and head, as with :func:`write_nifti`: both files read
    back to one array. UIDs are fresh, under pydicom's root. File names and InstanceNumber are shuffled, so that only
    ImagePositionPatient tells the order.

    Args:
        volume: uint8, uint16 or int16; stored in 16 bits.
        folder: is made if needed, and must hold no other series.
        spacing: voxel size in mm along the three axes.
        patient_id: PatientID and PatientName.
        seed: of the shuffles.

    Returns:
        The SOPInstanceUID of every slice, in the order of ``volume``.

    Raises:
        ValueError: ``volume`` is not 3-D, or of another type.
    """
    from pydicom.uid import generate_uid

    if volume.ndim != 3:
        raise ValueError(f"volume must be (H, W, D), got {volume.shape}; take one channel")
    if volume.dtype not in (np.uint8, np.uint16, np.int16):
        raise ValueError(f"volume must be uint8, uint16 or int16, got {volume.dtype}; convert it")
    Path(folder).mkdir(parents=True, exist_ok=True)
    depth = volume.shape[2]
    common = {
        "PatientID": patient_id,
        "PatientName": f"{patient_id}^",
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(),
        **_ordinary_tags(spacing),
    }
    random = np.random.RandomState(seed)
    names, numbers = random.permutation(depth), random.permutation(depth)
    uids = [str(generate_uid()) for _ in range(depth)]
    for index, uid in enumerate(uids):
        own = {
            "SOPInstanceUID": uid,
            "InstanceNumber": int(numbers[index]) + 1,
            "ImagePositionPatient": _position(volume.shape, spacing, index),
        }
        tags = _image({**common, **own}, volume[:, :, index])
        tags.save_as(Path(folder) / f"IM{names[index]:05d}.dcm", enforce_file_format=True)
    return uids


def _position(shape: tuple[int, ...], spacing: Sequence[float], index: int) -> list[float]:
    """Return the first pixel's centre in LPS mm: the corner that is rightmost and foremost."""
    return [-(shape[0] - 1) * spacing[0], -(shape[1] - 1) * spacing[1], index * spacing[2]]


def _ordinary_tags(spacing: Sequence[float]) -> dict[str, Any]:
    """Return what is equal in all slices: the attributes that the MR Image IOD requires; unknown values are empty."""
    empty = (
        "PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID "
        "Laterality PositionReferenceIndicator ScanOptions RepetitionTime EchoTime EchoTrainLength Manufacturer"
    )
    return {
        **dict.fromkeys(empty.split()),
        "SOPClassUID": MR_CLASS,
        "Modality": "MR",
        "ImageType": ["DERIVED", "SECONDARY", "OTHER"],
        "SeriesDescription": "monai-das sample",
        "SeriesNumber": 1,
        "PatientPosition": "HFS",
        "ScanningSequence": "RM",
        "SequenceVariant": "NONE",
        "MRAcquisitionType": "3D",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [spacing[1], spacing[0]],
        "SliceThickness": spacing[2],
        "SpacingBetweenSlices": spacing[2],
    }


def _image(values: dict[str, Any], plane: NDArray[Any]) -> Dataset:
    """Return one DICOM image of ``plane`` ``(H, W)``; its rows run from front to back, its columns right to left."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    pixels = np.ascontiguousarray(plane[::-1, ::-1].T)
    signed = pixels.dtype == np.int16
    tags = Dataset()
    for keyword, value in values.items():
        setattr(tags, keyword, value)
    tags.Rows, tags.Columns = pixels.shape
    tags.SamplesPerPixel, tags.PhotometricInterpretation = 1, "MONOCHROME2"
    tags.BitsAllocated = tags.BitsStored = 16
    tags.HighBit, tags.PixelRepresentation = 15, int(signed)
    tags.PixelData = pixels.astype("<i2" if signed else "<u2").tobytes()
    tags.file_meta = FileMetaDataset()
    tags.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return tags
