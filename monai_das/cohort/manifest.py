"""A manifest: the cases of a cohort, and what is known of them before a file is opened."""

from __future__ import annotations

import io
import os.path
from os import PathLike
from pathlib import Path
from typing import Any

from monai_das._optional import require
from monai_das.datasets import csv_separator, decoded_csv

NEEDED = ("case_id", "location")
TEXTS = (*NEEDED, "series_uid", "modality", "sop_class", "transfer_syntax")
NUMBERS = ("instances", "bytes")


def read_manifest(path: str | PathLike[str]) -> Any:
    """Return the manifest ``path``, Parquet or CSV (any separator and encoding), as a ``pyarrow.Table``.

    A row is a case. ``case_id`` is what you call it, and every result has that name: let it identify no patient.
    ``location`` is a file, the folder of one series, or a DICOMweb address; a relative path starts at the manifest's
    folder. Where they are known, ``series_uid``, ``modality``, ``sop_class`` (UIDs), ``transfer_syntax``,
    ``instances`` and ``bytes`` let a plan leave out what the model does not accept, and balance the work. Other columns
    are left out.

    Returns:
        The columns :data:`TEXTS` (strings) and :data:`NUMBERS` (64-bit integers), None where nothing is known; the
        locations are absolute.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: it cannot be read, lacks a column or has one twice, has no row, or a row without ``case_id`` or
            ``location``; two rows have the same ``case_id`` or ``location``, however that is written.
        ImportError: the extra ``ray`` is not installed.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such manifest; give a Parquet or CSV file")
    arrow = require("pyarrow", extra="ray")
    try:
        found = _parquet(file) if file.suffix.lower() == ".parquet" else _csv(file)
    except (arrow.ArrowException, OSError) as error:
        raise ValueError(f"{file}: cannot be read as a manifest ({error}); give Parquet (.parquet) or CSV") from error
    missing = [name for name in NEEDED if name not in found.column_names]
    if missing:
        raise ValueError(
            f"{file}: a manifest has the columns case_id and location; there is no {' and no '.join(missing)}, but "
            f"{', '.join(found.column_names) or 'nothing'}"
        )
    twice = [name for name in (*TEXTS, *NUMBERS) if found.column_names.count(name) > 1]
    if twice:
        raise ValueError(f"{file}: has several columns {twice[0]}; keep one")
    table = arrow.table(
        {
            **{name: _column(found, name, arrow.string(), file) for name in TEXTS},
            **{name: _column(found, name, arrow.int64(), file) for name in NUMBERS},
        }
    )
    if table.num_rows == 0:
        raise ValueError(f"{file}: the manifest has no row; list at least one case")
    for name in NEEDED:
        _check(table[name].to_pylist(), name, file)
    folder = file.absolute().parent
    places = [_absolute(each, folder) for each in table["location"].to_pylist()]
    _check([each if _address(each) else os.path.normpath(each) for each in places], "location", file)
    return table.set_column(table.column_names.index("location"), "location", arrow.array(places, arrow.string()))


def _parquet(file: Path) -> Any:
    return require("pyarrow.parquet", extra="ray").read_table(file)


def _csv(file: Path) -> Any:
    csv, arrow = require("pyarrow.csv", extra="ray"), require("pyarrow", extra="ray")
    types = {**dict.fromkeys(TEXTS, arrow.string()), **dict.fromkeys(NUMBERS, arrow.int64())}
    text, _ = decoded_csv(file.read_bytes())
    return csv.read_csv(
        io.BytesIO(text.encode()),
        parse_options=csv.ParseOptions(delimiter=csv_separator(text)),
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=True),
    )


def _column(table: Any, name: str, kind: Any, file: Path) -> Any:
    arrow = require("pyarrow", extra="ray")
    if name not in table.column_names:
        return arrow.nulls(table.num_rows, kind)
    try:
        return table[name].cast(kind)
    except arrow.ArrowException as error:
        raise ValueError(f"{file}: column {name} must hold {kind} values ({error})") from error


def _check(values: list[str | None], name: str, file: Path) -> None:
    """Raise ``ValueError`` unless every row has a value of its own."""
    known: dict[str, int] = {}
    for row, value in enumerate(values, start=1):
        if not value or not value.strip():
            raise ValueError(f"{file}: row {row} has no {name}; fill it in, or remove the row")
        if value in known:
            raise ValueError(
                f"{file}: rows {known[value]} and {row} have the same {name}; a case is listed once, under one name"
            )
        known[value] = row


def _absolute(location: str, folder: Path) -> str:
    return location if _address(location) else str(folder / location)


def _address(location: str) -> bool:
    return location.startswith(("http://", "https://"))
