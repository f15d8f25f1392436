"""How the pixels of a DICOM file are stored, and where they lie in it: from the header, without decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from monai_das.data.dicom.geometry import SPLIT
from monai_das.data.dicom.headers import ImageHeader
from monai_das.data.messages import StudyError

UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
ALLOCATED = (1, 8, 16, 32, 64)
ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")
# MPEG-2, H.264 and HEVC, 1.2.840.10008.1.2.4.100 to 108
VIDEO_SYNTAXES = "1.2.840.10008.1.2.4.10"
# Float Pixel Data and Double Float Pixel Data, as their tags are in a file
FLOATS = {b"\xe0\x7f\x08\x00": "<f4", b"\xe0\x7f\x09\x00": "<f8"}
# how JPEG, JPEG-LS and JPEG 2000 begin
CODESTREAMS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0c")
RLE = "1.2.840.10008.1.2.5"
ITEM = b"\xfe\xff\x00\xe0"


class VideoInsideError(StudyError):
    """An object whose pixels are a video, for :class:`monai_das.data.DICOMVideoSource`; ``header`` is its header."""

    def __init__(self, header: ImageHeader) -> None:
        self.header = header
        super().__init__(
            header.path,
            f"a video inside DICOM, TransferSyntaxUID (0002,0010) is {header.syntax}, MPEG or HEVC, which is decoded "
            "from a file by itself only; give the file, or convert the object to JPEG",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes the error again in another process."""
        return type(self), (self.header,)


@dataclass(frozen=True, eq=False)
class PixelFile:
    """How the pixels of one DICOM file are stored, from its header."""

    header: ImageHeader

    @property
    def path(self) -> Path:
        """The file."""
        return self.header.path

    @cached_property
    def syntax(self) -> str:
        """UID of the transfer syntax; implicit little endian where the file does not say."""
        return self.header.syntax or UNCOMPRESSED[0]

    @cached_property
    def samples(self) -> int:
        """1 for grey and palette colour, 3 for colour."""
        return int(self.header.number("SamplesPerPixel", 1))

    @cached_property
    def photometric(self) -> str:
        """PhotometricInterpretation."""
        return self.header.text("PhotometricInterpretation") or "MONOCHROME2"

    @cached_property
    def bits(self) -> tuple[int, int]:
        """BitsAllocated and BitsStored."""
        allocated = int(self.header.number("BitsAllocated", 16))
        return allocated, int(self.header.number("BitsStored", allocated))

    @cached_property
    def signed(self) -> bool:
        """Whether stored values are signed."""
        return self.header.number("PixelRepresentation", 0) == 1

    @cached_property
    def dtype(self) -> str:
        """How one value of :attr:`plain` pixels is stored: whole numbers, or what FloatPixelData (7FE0,0008) holds."""
        allocated, _ = self.bits
        if allocated >= 32 and self.value_at is not None:
            with self.path.open("rb") as stream:
                stream.seek(max(0, self.value_at - 12))
                before = stream.read(12)
            # tag, kind and length take 12 bytes, without kind 8
            found = FLOATS.get(before[:4]) or FLOATS.get(before[4:8])
            if found is not None:
                return found
        return f"<{'i' if self.signed else 'u'}{allocated // 8}"

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour of any kind."""
        return 3 if self.samples > 1 or self.photometric == "PALETTE COLOR" else 1

    def _check_float(self) -> None:
        """Raise ``ValueError`` where values of 32 or 64 bits are neither floats nor said to be signed or not."""
        if self.bits[0] < 32 or self.header.number_list("PixelRepresentation") is not None:
            return
        if "f" not in self.dtype and self.syntax in UNCOMPRESSED:
            raise StudyError(
                self.path,
                f"PixelRepresentation (0028,0103) is missing for {self.bits[0]} bits, so they may be "
                "whole numbers or Float Pixel Data (7FE0,0008), held by files only: give these, or repair the header",
            )
        if "f" in self.dtype and (self.photometric != "MONOCHROME2" or self.bits[0] != 8 * int(self.dtype[-1])):
            raise StudyError(
                self.path,
                f"Float Pixel Data (7FE0,0008) must be MONOCHROME2 with BitsAllocated (0028,0100) of 32, "
                f"or of 64 if double (7FE0,0009), has {self.bits[0]}; repair the header",
            )

    def check(self) -> None:
        """Raise ``ValueError`` where the header describes pixels that cannot be; what came is named with its tag."""
        (allocated, stored), samples, shown = self.bits, self.samples, self.photometric
        if allocated not in ALLOCATED:
            raise StudyError(
                self.path, f"BitsAllocated (0028,0100) must be one of {ALLOCATED}, is {allocated}; repair the header"
            )
        if not 1 <= stored <= allocated:
            raise StudyError(
                self.path,
                f"BitsStored (0028,0101) must be 1 to {allocated}, as many as BitsAllocated (0028,0100), "
                f"is {stored}; repair the header",
            )
        if self.syntax.startswith(VIDEO_SYNTAXES):
            raise VideoInsideError(self.header)
        self._check_float()
        if samples not in (1, 3) or (samples == 3 and shown in ONE_SAMPLE) or (samples == 1 and shown in COLOURS):
            # what is no word of the standard may be a text of any kind
            word = f", {shown}," if shown in (*ONE_SAMPLE, *COLOURS) else ""
            raise StudyError(
                self.path,
                f"SamplesPerPixel (0028,0002) is {samples}, which PhotometricInterpretation (0028,0004)"
                f"{word} does not allow: 1 is grey or palette colour, 3 is colour; repair the header",
            )

    @property
    def value_at(self) -> int | None:
        """Offset of the pixels in the file; None where only pydicom's full reader finds them."""
        return self.header.pixels_at

    @property
    def plain(self) -> bool:
        """Whether the pixels lie in the file as whole numbers of one grey channel, little endian."""
        tidy = self.samples == 1 and (self.bits[0] in (8, 16, 32) or "f" in self.dtype)
        return tidy and self.value_at is not None and self.syntax in UNCOMPRESSED

    def fragments(self) -> bytes:
        """Return all compressed bytes, which are one frame or a video: the fragments after the table of offsets."""
        parts: list[bytes] = []
        with open(self.path, "rb", buffering=0) as stream:
            stream.seek(self.value_at or 0)
            while (head := stream.read(8))[:4] == ITEM:
                length = int.from_bytes(head[4:], "little")
                parts.append(stream.read(length))
                if len(parts[-1]) < length:
                    raise self.cut_off(f"{length} bytes of a compressed frame expected, {len(parts[-1])} found")
        if len(parts) < 2:
            raise self.cut_off("no compressed frame found")
        return parts[1] if len(parts) == 2 else b"".join(parts[1:])

    def cut_off(self, why: str) -> StudyError:
        """Return the error of pixels that end too early."""
        return StudyError(self.path, f"the pixels cannot be decoded, {why}; the file is cut off: copy it again")

    @cached_property
    def frames_at(self) -> list[tuple[int, int]] | None:
        """Offset and length of every compressed frame, if each is one fragment; else None."""
        found = self._items
        return found[1:] if len(found) == self.header.frames + 1 else None

    def stored_fragments(self) -> int:
        """Return how many frames the compressed pixels hold: by the table of offsets, else by their first bytes."""
        if (
            self.value_at is None
            or self.syntax.startswith(VIDEO_SYNTAXES)
            or len(self._items) <= self.header.frames + 1
        ):
            return 0
        table, *fragments = self._items
        if table[1]:
            return table[1] // 4
        with self.path.open("rb") as stream:
            return sum(self._begins(stream, place) for place, _ in fragments)

    def _begins(self, stream: BinaryIO, place: int) -> bool:
        """Say whether a frame, not a further part of one, begins at ``place``; every part of RLE is a frame."""
        stream.seek(place)
        return self.syntax == RLE or stream.read(4).startswith(CODESTREAMS)

    @cached_property
    def _items(self) -> list[tuple[int, int]]:
        """Offset and length of the table of offsets and of all fragments."""
        assert self.value_at is not None
        found = []
        with self.path.open("rb") as stream:
            stream.seek(self.value_at)
            while (head := stream.read(8))[:4] == ITEM:
                length = int.from_bytes(head[4:], "little")
                found.append((stream.tell(), length))
                stream.seek(length, 1)
        return found


def check_pixels(files: Sequence[PixelFile], path: Path | str) -> None:
    """Raise ``ValueError`` unless all ``files`` describe pixels that can be, of one number of channels."""
    for file in files:
        file.check()
        if file.channels != files[0].channels:
            grey, colour = sorted((files[0], file), key=lambda one: one.channels)
            kind = "" if colour.samples > 1 else " and a palette"
            raise StudyError(
                path,
                f"grey and colour in one series: SamplesPerPixel (0028,0002) is {grey.samples} in one "
                f"file, {colour.samples}{kind} in another; {SPLIT}",
                files=[grey.path, colour.path],
            )
