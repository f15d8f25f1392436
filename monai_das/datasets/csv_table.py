"""A table of labels, as spreadsheets and scripts write it: any separator, any usual encoding, with or without BOM."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

SEPARATORS = (",", ";", "\t", "|")
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# what programs write for "no value"
EMPTY = ("", "na", "n/a", "nan", "null", "#n/a")


@dataclass(frozen=True)
class CSVTable:
    """A table of texts.

    Attributes:
        file: where it lies.
        columns: their names.
        rows: the values of each row by column, without blanks around them.
        lines: the line of the file in which each row ends, from 1.
        encoding, separator: how it is written.
    """

    file: Path
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]
    encoding: str
    separator: str

    def column(self, name: str) -> list[str]:
        """Return the values of a column; ``ValueError`` names all columns if there is none such."""
        if name not in self.columns:
            raise ValueError(f"{self.file}: no column {name!r}; its columns are {', '.join(self.columns)}")
        return [row[name] for row in self.rows]


def read_csv_table(file: str | PathLike[str]) -> CSVTable:
    """Return the table in a CSV ``file`` with a header line. Numbers stay texts, so that ``007`` is not ``7``.

    Raises:
        OSError: it cannot be read.
        ValueError: it has no two columns or no row; two columns have one name; a row has more values than columns.
    """
    path = Path(file)
    content = path.read_bytes()
    text, encoding = decoded_csv(content)
    separator = csv_separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    filled = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    if len(filled) < 2 or len(filled[0][1]) < 2:
        raise ValueError(f"{path}: a table needs a line with the names of two or more columns, and rows below it")
    columns = filled[0][1]
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise ValueError(f"{path}: has several columns {twice[0]!r}; rename them")
    for line, cells in filled[1:]:
        if len(cells) > len(columns):
            raise ValueError(f"{path}, line {line}: {len(cells)} values for {len(columns)} columns; quote separators")
    rows = [dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=True)) for _, cells in filled[1:]]
    lines = tuple(line for line, _ in filled[1:])
    return CSVTable(path, tuple(columns), tuple(rows), lines, encoding, separator)


def says_nothing(value: str) -> bool:
    """Say whether a value of a table says nothing: empty, or what programs write for that, such as ``NaN``."""
    return value.lower() in EMPTY


def csv_separator(text: str) -> str:
    """Return the separator by which the first line of a CSV ``text`` has the most columns."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(SEPARATORS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def decoded_csv(content: bytes) -> tuple[str, str]:
    """Return text and encoding: by a byte order mark, else UTF-8 if it is, else that of Windows, else Latin-1."""
    marked = [name for mark, name in BOMS.items() if content.startswith(mark)]
    for encoding in (*marked, "utf-8", "cp1252", "latin-1"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes everything")
