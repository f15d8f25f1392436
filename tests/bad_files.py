"""Over sixty kinds of files that no study should hold, each with its message."""

import gzip
import re
import struct
from itertools import chain
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from monai_das.datasets import write_dicom_series, write_nifti

# of NIfTI-1: place in the header, format, value
NIFTI = {
    "nifti no slices": (46, "<h", 0),
    "nifti negative columns": (42, "<h", -5),
    "nifti huge": (42, "<hhh", (32767, 32767, 32767)),
    "nifti of one dimension": (40, "<h", 1),
    "nifti of 9 dimensions": (40, "<h", 9),
    "nifti of unknown numbers": (70, "<h", 9999),
    "nifti of no numbers": (70, "<h", 0),
    "nifti of complex numbers": (70, "<hh", (32, 64)),
    "nifti data beyond the end": (108, "<f", 1e9),
    "nifti data at NaN": (108, "<f", float("nan")),
    "nifti of wrong magic": (344, "<4s", b"NOPE"),
}
TAGS = {
    "dicom without rows": {"Rows": 0},
    "dicom of 65535 squared": {"Rows": 65535, "Columns": 65535},
    "dicom of two billion frames": {"NumberOfFrames": 2147483647},
    "dicom of negative frames": {"NumberOfFrames": -3},
    "dicom of 12 bits allocated": {"BitsAllocated": 12},
    "dicom of 17 of 16 bits": {"BitsStored": 17},
    "dicom of 0 bits": {"BitsStored": 0},
    "dicom of 2 samples": {"SamplesPerPixel": 2},
    "dicom of 3 grey samples": {"SamplesPerPixel": 3},
    "dicom of one sample YBR": {"PhotometricInterpretation": "YBR_FULL"},
    "dicom of no pixels": {"PixelData": b""},
    "dicom of too few pixels": {"PixelData": b"\0\0"},
    "dicom of flat orientation": {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
    "dicom of equal directions": {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
    "dicom of zero spacing": {"PixelSpacing": [0, 0]},
    "dicom of negative spacing": {"PixelSpacing": [-1, 1]},
    "dicom of one spacing": {"PixelSpacing": [1]},
    "dicom of two coordinates": {"ImagePositionPatient": [0, 0]},
}
SYNTAXES = {
    "dicom said to be JPEG": "1.2.840.10008.1.2.4.50",
    "dicom said to be lossless JPEG": "1.2.840.10008.1.2.4.70",
    "dicom said to be JPEG-LS": "1.2.840.10008.1.2.4.80",
    "dicom said to be JPEG 2000": "1.2.840.10008.1.2.4.90",
    "dicom said to be RLE": "1.2.840.10008.1.2.5",
    "dicom said to be MPEG-2": "1.2.840.10008.1.2.4.100",
    "dicom said to be H.264": "1.2.840.10008.1.2.4.102",
    "dicom said to be deflated": "1.2.840.10008.1.2.1.99",
    "dicom of an unknown syntax": "1.2.3.4",
}
# of a study, series or object, not of a class or transfer syntax
UID = re.compile(rb"(?<![0-9.])[12]\.(?!2\.840\.10008)[0-9.]{16,60}")
SUFFIXES = (".nii", ".nii.gz", ".dcm", ".mp4", ".avi", ".mkv", ".gif", ".nrrd", ".mha")
CONTENTS = {
    "empty": b"",
    "text": b"no image at all\n" * 99,
    "zeros": bytes(5000),
    "gzip of nothing": gzip.compress(b""),
}
REAL = ("CT_small.dcm", "JPEG2000.dcm", "SC_rgb_rle.dcm", "MR_small_bigendian.dcm", "examples_ybr_color.dcm")
CUTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

# by kind: what the message must hold, as a pattern
WORDS = {
    "nifti no slices": r"the NIfTI header tells of",
    "nifti negative columns": r"the NIfTI header tells of",
    "nifti huge": r"slices of 32767 x 32767 pixels need 32 GiB|\(32767, 32767, 32767\) voxels need 196590 GiB",
    "nifti of one dimension": r"a NIfTI file of shape",
    "nifti of 9 dimensions": r"the NIfTI file cannot be read: a library failed on it",
    "nifti of unknown numbers": r"the NIfTI file cannot be read: a library failed on it",
    "nifti of no numbers": r"the NIfTI file cannot be read: a library failed on it",
    "nifti of complex numbers": r"the header tells of|a NIfTI file with colours or complex numbers",
    "nifti data beyond the end": r"vox_offset in the NIfTI header is 1e\+09",
    "nifti data at NaN": r"vox_offset in the NIfTI header is nan",
    "nifti of wrong magic": r"the NIfTI file cannot be read: a library failed on it",
    "dicom without rows": r"the DICOM header ends before Rows",
    "dicom of 65535 squared": r"slices of 65535 x 65535 pixels need 128 GiB",
    "dicom of two billion frames": r"2147483647 frames need 2047 GiB",
    "dicom of negative frames": r"NumberOfFrames",
    "dicom of 12 bits allocated": r"BitsAllocated",
    "dicom of 17 of 16 bits": r"BitsStored",
    "dicom of 0 bits": r"BitsStored",
    "dicom of 2 samples": r"SamplesPerPixel",
    "dicom of 3 grey samples": r"SamplesPerPixel",
    "dicom of one sample YBR": r"SamplesPerPixel",
    "dicom of no pixels": r"the pixels cannot be decoded, 240 bytes of a frame expected, 0 found",
    "dicom of too few pixels": r"the pixels cannot be decoded, 240 bytes of a frame expected, 2 found",
    "dicom of flat orientation": r"ImageOrientationPatient",
    "dicom of equal directions": r"ImageOrientationPatient",
    "dicom of zero spacing": r"PixelSpacing",
    "dicom of negative spacing": r"PixelSpacing",
    "dicom of one spacing": r"PixelSpacing",
    "dicom of two coordinates": r"ImagePositionPatient",
    "dicom of an RLE bomb": r"a library failed on it|the pixels cannot be decoded",
    "dicom said to be JPEG": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be lossless JPEG": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be JPEG-LS": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be JPEG 2000": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be RLE": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be MPEG-2": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be H.264": r"the pixels cannot be decoded, no compressed frame found",
    "dicom said to be deflated": r"the DICOM header cannot be read: its compressed data are damaged",
    "dicom of an unknown syntax": r"the pixels of frame 1 cannot be decoded",
}
WORDS_BY_SUFFIX = {
    ".nii": "the NIfTI file cannot be read",
    ".nii.gz": "the NIfTI file cannot be read",
    ".dcm": r"not a DICOM image \((empty|a text|gzip|5000 bytes, the first 4096 of them zeros)\)",
    ".mp4": "FFmpeg cannot read the video",
    ".avi": "FFmpeg cannot read the video",
    ".mkv": "FFmpeg cannot read the video",
    ".gif": "FFmpeg cannot read the video",
    ".nrrd": "no NRRD or MetaImage file, or a damaged one",
    ".mha": "no NRRD or MetaImage file, or a damaged one",
}
CUT_OFF = "cut off|cannot be decoded|cannot be read|a library failed on it"


def nifti(path):
    write_nifti(np.random.default_rng(0).integers(0, 999, (12, 10, 6)).astype(np.int16), path)
    return path


def slice_of(folder):
    """Write one DICOM file of 12 x 10 pixels."""
    write_dicom_series(np.random.default_rng(0).integers(0, 999, (12, 10, 1)).astype(np.int16), folder)
    return next(folder.glob("*.dcm"))


def stripped(path, *, meta):
    """Take the preamble of the file ``path``, and its file meta unless ``meta``."""
    content = path.read_bytes()
    length = struct.unpack("<L", content[140:144])[0]
    path.write_bytes(content[132 if meta else 144 + length :])


def bad_files(folder):
    """Write every file, each into a folder of its own and with UIDs of its own, and return ``{kind: [file, ...]}``."""
    made = {}
    good = nifti(folder / "good.nii").read_bytes()
    written = (headers(good), tagged(folder / "tags"), bombs(folder / "bombs"), others(), cut(good))
    for number, (kind, name, content) in enumerate(chain(*written)):
        path = folder / f"{number:03d}" / name
        path.parent.mkdir()
        path.write_bytes(UID.sub(lambda found, number=number: found[0][:-4] + b"%d" % (number + 1000), content))
        made.setdefault(kind, []).append(path)
    return made


def headers(good):
    for kind, (place, form, value) in NIFTI.items():
        content = bytearray(good)
        packed = struct.pack(form, *value) if isinstance(value, tuple) else struct.pack(form, value)
        content[place : place + len(packed)] = packed
        yield kind, "a.nii", content
        yield kind, "a.nii.gz", gzip.compress(content)


def tagged(folder):
    file = slice_of(folder)
    good = file.read_bytes()
    for kind, tags in TAGS.items():
        file.write_bytes(good)
        found = dcmread(file)
        for keyword, value in tags.items():
            setattr(found, keyword, value)
        found.save_as(file)
        yield kind, file.name, file.read_bytes()
    own = struct.pack("<H", 20) + b"1.2.840.10008.1.2.1\0"
    for kind, syntax in SYNTAXES.items():
        said = syntax.encode().ljust(len(syntax) + len(syntax) % 2, b"\0")
        yield kind, file.name, good.replace(own, struct.pack("<H", len(said)) + said)


def bombs(folder):
    """A frame of 12 x 10 pixels whose RLE segments make 256 MiB each: two bytes of it make 128."""
    file = slice_of(folder)
    found = dcmread(file)
    segment = b"\x81\0" * (2 << 20)
    places = (2, 64, 64 + len(segment), *[0] * 13)
    found.PixelData = encapsulate([struct.pack("<16L", *places) + 2 * segment])
    found["PixelData"].is_undefined_length = True
    found.file_meta.TransferSyntaxUID = RLELossless
    found.save_as(file)
    yield "dicom of an RLE bomb", file.name, file.read_bytes()


def others():
    for word, content in CONTENTS.items():
        for suffix in SUFFIXES:
            yield f"{word} as {suffix}", f"a{suffix}", content


def cut(good):
    whole = {name: Path(get_testdata_file(name)).read_bytes() for name in REAL}
    for name, content in {**whole, "a.nii": good, "a.nii.gz": gzip.compress(good)}.items():
        for share in CUTS:
            yield f"{name} cut at {share:.0%}", name, content[: int(share * len(content))]


def words_of(kind):
    """Return the pattern of the message about a file of ``kind``."""
    return WORDS.get(kind) or WORDS_BY_SUFFIX.get(kind.rpartition(" as ")[2], CUT_OFF)
