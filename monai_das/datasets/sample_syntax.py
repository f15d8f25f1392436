"""Compress a DICOM series, in every transfer syntax that hospitals use."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from monai_das._optional import require

# pydicom's encoders, by the names that this function takes
SYNTAXES = {
    "rle": ("1.2.840.10008.1.2.5", "pydicom"),
    "jpegls": ("1.2.840.10008.1.2.4.80", "pyjpegls"),
    "j2k": ("1.2.840.10008.1.2.4.90", "pylibjpeg"),
}
LOSSLESS_JPEG = "jpeg_lossless"


def compress_dicom_series(folder: str | PathLike[str], syntax: str) -> None:
    """Compress the DICOM files of ``folder`` in place, without loss.

    Args:
        folder: uncompressed images, such as :func:`write_dicom_series` writes.
        syntax: ``"rle"``, ``"jpegls"``, ``"j2k"`` (JPEG 2000) or ``"jpeg_lossless"`` (process 14, first order).

    Raises:
        ValueError: another syntax.
        ImportError: the extra ``dicom`` is not installed.
    """
    if syntax != LOSSLESS_JPEG and syntax not in SYNTAXES:
        raise ValueError(f"syntax must be one of {[*SYNTAXES, LOSSLESS_JPEG]}, got {syntax!r}")
    for path in sorted(Path(folder).iterdir()):
        if syntax == LOSSLESS_JPEG:
            _compress_by_gdcm(path)
        else:
            _compress_by_pydicom(path, syntax)


def _compress_by_pydicom(path: Path, syntax: str) -> None:
    from pydicom import dcmread

    uid, plugin = SYNTAXES[syntax]
    tags = dcmread(path)
    tags.compress(uid, encoding_plugin=plugin, generate_instance_uid=False)
    tags.save_as(path)


def _compress_by_gdcm(path: Path) -> None:
    gdcm = require("gdcm", extra="dicom")
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    read = reader.Read()
    change.SetInput(reader.GetImage())
    if not (read and change.Change()):
        raise ValueError(f"{path}: gdcm cannot compress it; give an uncompressed image")
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(path))
    writer.Write()
