"""Fetch a bundle from an address or a zip into a folder: verified first, whole or not at all."""

from __future__ import annotations

import hashlib
import re
import tempfile
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener, url2pathname

from monai_das.inference.bundle_files import MAX_BYTES, unpack_bundle

CHUNK = 1 << 20
SECONDS = 60


def fetch_bundle(source: str, folder: str | PathLike[str] = ".", sha256: str | None = None) -> Path:
    """Put the bundle in the zip ``source`` into ``folder/NAME``, and return that folder.

    NAME is the folder at the top of the zip, or else the zip's own name. Nothing is unpacked before the sum is right.

    Args:
        source: path of a zip, or its ``https://`` or ``file://`` address.
        folder: where the bundle's folder goes; it is made if missing.
        sha256: the zip's SHA-256 in hexadecimal, from the ``SHA256SUMS`` of a release. An address needs it.

    Raises:
        FileNotFoundError: ``source`` is neither a file nor an address.
        FileExistsError: ``folder/NAME`` is there already.
        OSError: the address cannot be read.
        ValueError: an address without ``sha256``, or of another kind; ``sha256`` is no SHA-256, or not that of the zip;
            the zip is refused, see :func:`~monai_das.inference.bundle_files.unpack_bundle`.
    """
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"--sha256 must be 64 hexadecimal digits, got {sha256!r}")
    name, is_address = _name_of(source, sha256)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    # beside the target, so that the last step is a renaming
    with tempfile.TemporaryDirectory(dir=target, prefix=".fetch_") as temporary:
        file, inside = Path(temporary) / name, Path(temporary) / "unpacked"
        inside.mkdir()
        digest = _download(source, file) if is_address else _copy_file(Path(source), file)
        if sha256 is not None and digest != sha256.lower():
            raise ValueError(f"{source}: its SHA-256 is {digest}, not {sha256.lower()}; nothing was unpacked")
        try:
            root = unpack_bundle(file, inside)
        except ValueError as error:
            raise ValueError(str(error).replace(str(file), source)) from error
        bundle = target / (root.name if root != inside else file.stem)
        if bundle.exists():
            raise FileExistsError(f"{bundle} is there already; remove it, or give another folder with -o")
        root.rename(bundle)
    return bundle


def _name_of(source: str, sha256: str | None) -> tuple[str, bool]:
    """Return the name of the zip, and whether ``source`` is an address."""
    if "://" not in source:
        if not Path(source).is_file():
            raise FileNotFoundError(
                f"{source}: no such file; this release knows no bundles by name, give a zip or its address"
            )
        return Path(source).name, False
    parts = urlsplit(source)
    if parts.scheme not in ("https", "file"):
        raise ValueError(f"{source}: only https:// and file:// are fetched")
    if sha256 is None:
        raise ValueError(f"{source}: an address needs --sha256, see the SHA256SUMS of its release")
    return PurePosixPath(parts.path).name or "bundle.zip", True


class _OnlySecurely(HTTPRedirectHandler):
    """Follow a server to another https address only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not newurl.startswith("https://"):
            fp.close()
            raise OSError(f"it leads to {urlsplit(newurl).scheme}://, which is not secure")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(address: str, file: Path) -> str:
    parts = urlsplit(address)
    try:
        if parts.scheme == "file":
            return _copy_file(Path(url2pathname(parts.path)), file)
        with build_opener(_OnlySecurely).open(address, timeout=SECONDS) as answer:
            return _copy(answer, file)
    except OSError as error:
        if isinstance(error, HTTPError):
            error.close()
        raise OSError(f"{address} cannot be fetched: {error}") from error


def _copy_file(source: Path, file: Path) -> str:
    with source.open("rb") as opened:
        return _copy(opened, file)


def _copy(opened: BinaryIO, file: Path) -> str:
    """Write what is ``opened`` to ``file`` and return its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with file.open("wb") as out:
        while piece := opened.read(CHUNK):
            size += len(piece)
            if size > MAX_BYTES:
                raise OSError(f"it is larger than {MAX_BYTES} bytes")
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()
