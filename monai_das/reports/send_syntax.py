"""A DICOM object in the transfer syntax that a server takes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from monai_das.data.boundary import reason
from monai_das.reports.send_peer import RefusedError

if TYPE_CHECKING:
    from pydicom import Dataset

LITTLE_ENDIAN = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")  # explicit, implicit
# bytes of a number in elements that pydicom writes as they were read
WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def in_syntax(tags: Dataset, syntax: str) -> Dataset:
    """Return ``tags`` as they are read from a file in ``syntax``, their own or one of ``LITTLE_ENDIAN``.

    Compressed pixels are decompressed; colour becomes RGB. The SOPInstanceUID stays: it is the same object.

    Raises:
        RefusedError: nothing here decodes the pixels, or the object cannot be encoded so.
    """
    from pydicom import dcmread, dcmwrite
    from pydicom.uid import UID

    own, kind = tags.file_meta.TransferSyntaxUID, UID(syntax)
    if own == kind:
        return tags
    stream = BytesIO()
    try:
        if own.is_encapsulated:
            tags.decompress(generate_instance_uid=False)
        elif not own.is_little_endian:
            _swap(tags)
        tags.file_meta.TransferSyntaxUID, tags.preamble = kind, bytes(128)
        encoding = {"implicit_vr": kind.is_implicit_VR, "little_endian": kind.is_little_endian, "force_encoding": True}
        dcmwrite(stream, tags, **encoding)
    except Exception as error:
        raise RefusedError(
            f"the server takes it only as {kind.name}, and {own.name} cannot be turned into this here: "
            f"{reason(error).plain}"
        ) from error
    stream.seek(0)
    return dcmread(stream)


def _swap(tags: Dataset) -> None:
    """Turn the numbers that pydicom keeps as bytes from big to little endian."""
    for element in tags.iterall():
        size = WORDS.get(element.VR, 1)
        if element.keyword == "PixelData" and int(tags.BitsAllocated) > 16:
            size = int(tags.BitsAllocated) // 8
        if size > 1 and isinstance(element.value, bytes):
            element.value = np.frombuffer(element.value, f">u{size}").astype(f"<u{size}").tobytes()
