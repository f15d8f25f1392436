"""The one door: a path, a folder, an address or an array in, a :class:`SliceSource` out."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.boundary import reading
from monai_das.data.choice import split_choice
from monai_das.data.containers import VideoProbe
from monai_das.data.dicom import DICOMSource, ImageHeader, VideoInsideError, image_header, masked_source
from monai_das.data.dicom_video import DICOMVideoSource
from monai_das.data.dicomweb import DICOMwebService, DICOMwebSource, is_address, without_login
from monai_das.data.file_versions import file_version
from monai_das.data.itk_volume import itk_volume
from monai_das.data.kinds import ITK, NIBABEL, NIFTI_NAME, VIDEO, companions, file_kind
from monai_das.data.messages import StudyError
from monai_das.data.nifti import NIfTISource, is_compressed, nifti_volume
from monai_das.data.source import TIME_POINT, SliceSource
from monai_das.data.video import VideoSource
from monai_das.data.whole import VolumeCase, WholeSource, array_case

# seconds to wait for the whole of a video
TIMEOUT = 30.0


def open_source(
    study: str | PathLike[str] | NDArray[Any] | Tensor,
    choose: Mapping[str, object] | None = None,
    session: Any = None,
) -> SliceSource:
    """Return the :class:`SliceSource` of a study; arguments and errors are the same as in :func:`read_volume`.

    DICOM is opened by its headers and ``.nii`` is memory-mapped: only the slices asked for are decoded. ``.nii.gz`` is
    read whole, once.

    Args:
        study: a NIfTI file, a DICOM file or the folder of a series, a video, the address of a study, series or object
            on a DICOMweb server, or an array ``(C, H, W, D)``: a ``MetaTensor`` brings its affine along. A place of
            :func:`chosen_place`, as a map of cases holds it, says itself what is chosen.
        choose: which of several volumes in a file or folder, see :func:`read_volume`.
        session: asks the DICOMweb server, see :class:`DICOMwebSource`.

    Example:
        >>> from monai_das.datasets import make_sample_volumes, write_nifti
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_nifti(make_sample_volumes(1, 32)[0]["image"][0], f"{folder}/case.nii.gz")
        ...     source = open_source(f"{folder}/case.nii.gz")
        >>> len(source), source.thumbnails(16).shape, source.read([3, 5]).shape
        (32, torch.Size([1, 16, 16, 32]), torch.Size([1, 32, 32, 2]))
    """
    if isinstance(study, (np.ndarray, Tensor)):
        return _array_source(study, choose)
    study, choose = split_choice(study, choose)
    if is_address(study):
        address = str(study)
        with reading(without_login(address)[0].rstrip("/")):
            return _served_source(address, choose, session)
    path = Path(study)
    with reading(path):
        before = file_version(path)
        source = _file_source(path, choose)
        if not source.versions:
            source.versions = tuple(before if file == path else file_version(file) for file in source.files)
        return source


def read_volume(
    study: str | PathLike[str] | NDArray[Any] | Tensor, choose: Mapping[str, object] | None = None
) -> VolumeCase:
    """Read the whole of what :func:`open_source` opens: NIfTI, DICOM, a video, an address of DICOMweb, an array.

    NIfTI goes through MONAI's ``NibabelReader``. A DICOM file of one frame is a volume of one slice. Colour clips have
    3 channels (RGB). The image's ``meta`` holds no patient data besides the path.
    Pixels outside the declared regions of ultrasound and secondary captures become 0 unless BurnedInAnnotation is NO,
    so that no person and no network can read a name there. ``choose`` is the same as in :func:`dicom_slice_refs`, for
    folders with several series, time points or echoes; for NIfTI of four dimensions it is ``{"time_point": n}``,
    0-based.

    Raises:
        FileNotFoundError: the path does not exist.
        ValueError: the file is damaged, is of none of these kinds, or holds no single stack of slices; the array is not
            ``(C, H, W, D)``.
    """
    if not isinstance(study, (np.ndarray, Tensor)):
        study, choose = split_choice(study, choose)
    if not isinstance(study, (np.ndarray, Tensor)) and NIFTI_NAME.search(str(study)):
        with reading(Path(study)):
            return nifti_volume(Path(study), choose)
    source = open_source(study, choose)
    return VolumeCase(source.read_all(), source.refs, source.kind, source.affine is not None, source.warnings)


def _file_source(path: Path, choose: Mapping[str, object] | None) -> SliceSource:
    if path.is_symlink():
        path.stat()  # a link that leads to itself or nowhere says so
    if path.exists() and not path.is_file() and not path.is_dir():
        raise StudyError(path, "neither a file nor a folder, but a device, pipe or socket; give a file or folder")
    kind = file_kind(path, VideoProbe())
    if kind == VIDEO and choose:
        raise StudyError(path, "a video is one clip, in which there is nothing to choose; give it without a choice")
    if kind == VIDEO:
        return VideoSource(path)
    if kind is not None:
        return _volume_source(path, kind, choose)
    try:
        return masked_source(DICOMSource(path, choose))
    except VideoInsideError as error:
        return masked_source(DICOMVideoSource(error.header))


def _served_source(address: str, choose: Mapping[str, object] | None, session: Any) -> SliceSource:
    try:
        return masked_source(DICOMwebSource(address, choose, session))
    except VideoInsideError as error:
        return masked_source(_served_video(address, error.header, session))


def _served_video(address: str, header: ImageHeader, session: Any) -> SliceSource:
    """Return the object with ``header`` of the study at ``address``, whose pixels are a video; it is fetched whole."""
    service = DICOMwebService(address, session, TIMEOUT)
    found = service.object(str(header.text("SeriesInstanceUID")), str(header.text("SOPInstanceUID")))
    with TemporaryDirectory(prefix="monai-das-") as folder:
        file = Path(folder) / "object.dcm"
        found.save_as(file)
        read = image_header(file)
        assert read is not None  # it has Rows and Columns
        source = DICOMVideoSource(read)
    source.name, source.kind, source.files, source.versions = service.name, "dicomweb", (), ()
    return source


def _volume_source(path: Path, kind: str, choose: Mapping[str, object] | None) -> SliceSource:
    if kind == NIBABEL and not is_compressed(path):
        return NIfTISource(path, choose)
    volume = itk_volume(path, choose) if kind == ITK else nifti_volume(path, choose)
    files = [path, *companions(path)]
    return WholeSource(volume, str(path), files, str((choose or {}).get(TIME_POINT, 0)))


def _array_source(array: NDArray[Any] | Tensor, choose: Mapping[str, object] | None) -> SliceSource:
    if choose:
        raise ValueError(f"an array is one volume, got choose={dict(choose)}; take that part of the array instead")
    return WholeSource(array_case(array), "array")
