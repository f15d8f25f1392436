"""The real format of a file, by its content: what is no case is named when it is passed over."""

from __future__ import annotations

from pathlib import Path

from monai_das.data.containers import TRANSPORT, container_name

LOOK = 4096
EMPTY, ZEROS, TEXT, UNKNOWN = "empty file", "zeros only", "text", "unknown binary"
# what may be the rest of a file that was an image
SUSPECT = (EMPTY, ZEROS, UNKNOWN)
# where, what, and its name; the first that fits
# fmt: off
SIGNATURES = (
    (0, b"\x89PNG", "PNG"), (0, b"\xff\xd8\xff", "JPEG"), (0, b"GIF8", "GIF"), (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"), (0, b"II+\0", "TIFF"), (0, b"MM\0+", "TIFF"), (8, b"WEBP", "WebP"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"), (0, b"\xff\x4f\xff\x51", "JPEG 2000"), (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (4, b"ftypheic", "HEIC"), (4, b"ftypavif", "AVIF"), (4, b"ftypM4A", "sound"), (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"), (0, b"{\\rtf", "RTF"), (0, b"%!PS", "PostScript"),
    (0, b"PK\x03\x04", "zip"), (0, b"PK\x05\x06", "zip"), (0, b"Rar!", "RAR"), (0, b"7z\xbc\xaf", "7z"),
    (0, b"BZh", "bzip2"), (0, b"\xfd7zXZ", "xz"), (0, b"(\xb5/\xfd", "zstd"), (257, b"ustar", "tar"),
    (0, b"\xd0\xcf\x11\xe0", "Office or thumbnails"), (0, b"\0\0\0\1Bud1", "folder settings"),
    (0, b"\0\5\x16\7", "macOS file notes"), (0, b"SQLite", "SQLite"), (0, b"\x89HDF", "HDF5"), (0, b"CDF", "NetCDF"),
    (0, b"MATLAB", "MATLAB"), (0, b"\x93NUMPY", "NumPy"), (0, b"\x80\x02", "pickle"), (0, b"\x80\x04", "pickle"),
    (0, b"MZ", "program"), (0, b"\x7fELF", "program"), (0, b"!<arch>", "library"), (0, b"\xca\xfe\xba\xbe", "program"),
    (8, b"WAVE", "sound"), (0, b"ID3", "sound"), (0, b"fLaC", "sound"), (0, b"OggS", "sound"),
    (0, b"\xff\xfb", "sound"), (0, b"\xff\xf1", "sound"), (0, b"NRRD0", "NRRD"),
    (0, b"\xff\xff\xfe", "FreeSurfer surface"),
    (0, b"NES\x1a", "program"), (344, b"n+1\0", "NIfTI"), (344, b"ni1\0", "NIfTI"), (4, b"n+2\0", "NIfTI"),
    (0, b"BM", "BMP"), (0, b"\x1f\x8b", "gzip"),
)
# fmt: on
# their marks are two letters
SHORT = ("BMP", "program")
MARKUP = (("<!doctype html", "HTML"), ("<html", "HTML"), ("<?xml", "XML"))


def format_name(path: Path) -> str:
    """Return what the file ``path`` is by its first bytes, as ``"PDF"``; what is not known is text or binary."""
    with path.open("rb") as stream:
        return content_name(stream.read(LOOK))


def content_name(start: bytes) -> str:
    """Return what a file is that begins with ``start``; see :func:`format_name`.

    Example:
        >>> content_name(b"%PDF-1.7"), content_name(b"Dear all"), content_name(b"")
        ('PDF', 'text', 'empty file')
    """
    if not start:
        return EMPTY
    if not start.strip(b"\0"):
        return ZEROS
    known = next((name for place, mark, name in SIGNATURES if start[place : place + len(mark)] == mark), None)
    video = container_name(start)
    if video is not None and known in (None, "sound") and not (video == TRANSPORT and is_text(start)):
        return video
    if known is not None and not (known in SHORT and is_text(start)):
        return known
    return _text_name(start) if is_text(start) else UNKNOWN


def is_text(start: bytes) -> bool:
    """Say whether the first :data:`LOOK` bytes of a file are text in UTF-8, or in UTF-16 with its mark."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        # most letters are of ASCII
        return start[3 if start[0] == 0xFF else 2 :: 2].count(0) * 4 > len(start)
    try:
        words = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # a letter may be cut in two at the end of what was read
        if error.start < LOOK - 4 or len(start) < LOOK:
            return False
        words = start[: error.start].decode("utf-8")
    return "\0" not in words


def _text_name(start: bytes) -> str:
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:32].decode("latin-1").lower()
    return next((name for mark, name in MARKUP if head.startswith(mark)), TEXT)
