"""What to say of DICOM that is read, though something in it may not be as a reader expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from monai_das.data.dicom.geometry import PIXEL_SPACING, Plane
from monai_das.data.dicom.headers import ImageHeader
from monai_das.data.dicom.pixel_file import PixelFile
from monai_das.data.messages import Finding

# pairs of pixels share their colours: two values a pixel
SHARED_COLOURS = ("YBR_FULL_422", "YBR_PARTIAL_422")


def remarks(headers: Sequence[ImageHeader], planes: Sequence[Plane]) -> tuple[Finding, ...]:
    """Return what to say of ``headers``, a series or one object, whose slices lie in ``planes``, none in a clip."""
    return (*_spacings(planes), *_one_uid(headers), *_values(headers), *_left_over(headers))


def _spacings(planes: Sequence[Plane]) -> Iterator[Finding]:
    counts = Counter(plane.spacing for plane in planes)
    if len(counts) > 1:
        (usual, _), *_ = counts.most_common(1)
        others = [plane for plane in planes if plane.spacing != usual]
        yield Finding(
            f"{PIXEL_SPACING} is {list(others[0].spacing)} in {len(others)} of {len(planes)} slices and {list(usual)} "
            f"in the others; all are taken as {list(planes[0].spacing)}",
            files=[plane.label for plane in others],
        )


def _one_uid(headers: Sequence[ImageHeader]) -> Iterator[Finding]:
    uids = {header.text("SOPInstanceUID") for header in headers}
    if len(uids) < len(headers) and None not in uids:
        yield Finding(
            f"{len(headers)} images share {len(uids)} SOPInstanceUID (0008,0018), so no DICOM report can tell which "
            "slice it is about"
        )


def _values(headers: Sequence[ImageHeader]) -> Iterator[Finding]:
    """Yield what may make stored values mean something else than what is read."""
    known: tuple[tuple[Callable[[ImageHeader], bool], str], ...] = (
        (
            _other_high_bit,
            "HighBit (0028,0102) is not BitsStored (0028,0101) - 1; values are taken from the lowest bits, as ITK does",
        ),
        (
            lambda header: header.number_list("RescaleSlope") == [0.0],
            "RescaleSlope (0028,1053) is 0 and counts as 1, as ITK does",
        ),
        (
            lambda header: bool(header.items("ModalityLUTSequence")),
            "a Modality LUT (0028,3000) is not applied, as ITK does not; values are those that are stored",
        ),
        (
            lambda header: header.number_list("DoseGridScaling") is not None,
            "DoseGridScaling (3004,000E) is not applied, as ITK does not; values are those that are stored, not Gy",
        ),
        (
            _stretched,
            "pixels are not square by PixelAspectRatio (0028,0034), and are taken as square",
        ),
    )
    for fits, words in known:
        files = [header.path for header in headers if fits(header)]
        if files:
            yield Finding(f"{words} ({len(files)} of {len(headers)} files)" if len(headers) > 1 else words, files)


def _other_high_bit(header: ImageHeader) -> bool:
    high, stored = header.number("HighBit", -1), header.number("BitsStored", -1)
    return high >= 0 and stored > 0 and high != stored - 1


def _stretched(header: ImageHeader) -> bool:
    found = header.number_list("PixelAspectRatio") or [1.0, 1.0]
    return header.number_list("PixelSpacing") is None and found[0] != found[-1]


def _left_over(headers: Sequence[ImageHeader]) -> Iterator[Finding]:
    """Yield the files that hold more frames than NumberOfFrames says."""
    found = [(header, frames) for header in headers if (frames := _stored_frames(header)) > header.frames]
    if found:
        header, frames = found[0]
        yield Finding(
            f"NumberOfFrames (0028,0008) is {header.frames}, but the pixels hold {frames} frames; those beyond are "
            "left out",
            files=[header.path for header, _ in found],
        )


def _stored_frames(header: ImageHeader) -> int:
    """Return how many frames the pixels hold, as far as it can be known without decoding; 0 where it cannot."""
    pixels = PixelFile(header)
    (allocated, _), (rows, columns) = pixels.bits, header.size
    if header.pixels_length is None or allocated < 1:
        return pixels.stored_fragments() if header.frames > 1 else 0
    samples = 2 if pixels.photometric in SHARED_COLOURS else pixels.samples
    return 8 * header.pixels_length // (rows * columns * samples * allocated)
