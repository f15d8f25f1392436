"""The files of a bundle, wherever they lie: in the installed package, a folder, a zip or a TorchScript file."""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import monai_das

MARK = "configs/metadata.json"
MAX_BYTES = 2 << 30
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError)


def packaged_bundle() -> Path:
    """Return the folder of the bundle that came with the package: in the wheel, else in the checkout.

    Raises:
        FileNotFoundError: the package was installed without it.

    Example:
        >>> (packaged_bundle() / "configs" / "metadata.json").is_file()
        True
    """
    package = Path(monai_das.__file__).parent
    for folder in (package / "_bundle", package.parent / "bundle"):
        if (folder / MARK).is_file():
            return folder
    raise FileNotFoundError(f"{package} came without its bundle; give --bundle, or install the wheel or a clone")


@contextmanager
def bundle_files(bundle: str | PathLike[str]) -> Iterator[Path]:
    """Yield the folder of ``bundle``, or the ``model.ts`` itself; a zip lies unpacked in a temporary folder meanwhile.

    Errors that the body raises about the temporary folder name the zip instead.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is a file of another kind; or see :func:`unpack_bundle`.
    """
    path = Path(bundle)
    if not path.exists():
        raise FileNotFoundError(f"{path} is not a bundle: no such file or folder; give a folder, a zip or a model.ts")
    if path.is_dir() or path.suffix == ".ts":
        yield path
        return
    if path.suffix != ".zip":
        raise ValueError(f"{path} is not a bundle: give a folder, a .zip of one, or a TorchScript .ts")
    with tempfile.TemporaryDirectory(prefix="monai_das_") as folder:
        try:
            yield unpack_bundle(path, Path(folder))
        except (FileNotFoundError, ValueError) as error:
            if folder not in str(error):
                raise
            raise type(error)(str(error).replace(folder, str(path))) from error


def unpack_bundle(file: Path, folder: Path, max_bytes: int = MAX_BYTES) -> Path:
    """Unpack the bundle in the zip ``file`` into the existing ``folder``; return the bundle's own folder.

    A bundle lies at the top of its zip, or in the one folder at its top. Other files of the zip are left there.

    Raises:
        ValueError: ``file`` is no whole zip; it holds no bundle or several; an entry leads out of ``folder`` or is a
            link; the entries are larger than ``max_bytes`` together.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            root = _bundle_root(file, archive.namelist())
            entries = [each for each in archive.infolist() if each.filename.startswith(root)]
            _check_entries(file, entries, max_bytes)
            archive.extractall(folder, entries)
    except BROKEN as error:
        raise ValueError(f"{file} is no whole zip: {error}; fetch it again") from error
    return folder / root


def torchscript_texts(file: Path) -> dict[str, str]:
    """Return the texts that lie beside the code in a TorchScript ``file``, by name, without running it.

    Raises:
        ValueError: ``file`` is no TorchScript.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            extra = {each.filename: each for each in archive.infolist() if each.filename.split("/")[1:2] == ["extra"]}
            _check_entries(file, list(extra.values()), MAX_BYTES)
            return {name.split("/", 2)[2]: archive.read(each).decode() for name, each in extra.items()}
    except BROKEN as error:
        raise ValueError(f"{file} is no TorchScript: {error}") from error


def bundle_text(place: Path, name: str) -> str | None:
    """Return the text of a bundle's ``configs/NAME``, ``place`` being its folder or its TorchScript; None without."""
    if place.suffix == ".ts":
        return torchscript_texts(place).get(name)
    file = place / "configs" / name
    return file.read_text(encoding="utf-8") if file.is_file() else None


def bundle_metadata(place: Path) -> tuple[dict[str, Any], str]:
    """Return the metadata of a bundle, ``place`` being its folder or its TorchScript, and what errors call them.

    Raises:
        FileNotFoundError: there are none.
        ValueError: they are no JSON object.
    """
    text = bundle_text(place, "metadata.json")
    if text is None:
        raise FileNotFoundError(f"{place} is not a bundle: it has no metadata.json")
    file = f"{place}, metadata.json" if place.suffix == ".ts" else str(place / MARK)
    return json_object(text, file), file


def json_object(text: str, file: str) -> dict[str, Any]:
    """Return the JSON object ``text`` of ``file``; raise ``ValueError`` where it is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: not a JSON object, but {type(content).__name__}")
    return content


def _bundle_root(file: Path, names: list[str]) -> str:
    """Return what the names of the bundle's files start with: nothing, or the folder at the top."""
    roots = [name.removesuffix(MARK) for name in names if name.endswith(MARK) and name.count("/") <= 2]
    roots = [root for root in roots if root == "" or root.endswith("/")]
    if len(roots) != 1:
        raise ValueError(f"{file} holds {len(roots)} bundles, not one: it must have one {MARK}, or one NAME/{MARK}")
    return roots[0]


def _check_entries(file: Path, entries: list[zipfile.ZipInfo], max_bytes: int) -> None:
    # what is unpacked is never larger than what an entry states: zipfile stops there
    size = sum(each.file_size for each in entries)
    if size > max_bytes:
        raise ValueError(f"{file} would unpack to {size} bytes; at most {max_bytes} are taken")
    for each in entries:
        parts = PurePosixPath(each.filename.replace("\\", "/")).parts
        if ".." in parts or each.filename.startswith("/") or "\\" in each.filename or ":" in each.filename:
            raise ValueError(f"{file} is unsafe: its entry {each.filename!r} leads out of the folder")
        if stat.S_ISLNK(each.external_attr >> 16):
            raise ValueError(f"{file} is unsafe: its entry {each.filename!r} is a link")
