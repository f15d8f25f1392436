"""Labels of cases from a table, joined by exact ids, or from the folders that the cases lie in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monai_das.data.dicom import images_ahead
from monai_das.data.kinds import NIFTI_NAME
from monai_das.datasets.class_labels import MOST_CLASSES
from monai_das.datasets.csv_table import CSVTable, says_nothing

# kinds of ids that several cases may share: the row then labels them all
SHARED = ("StudyInstanceUID", "AccessionNumber", "PatientID")


@dataclass
class Labelled:
    """Which case has which label, as a text, and why others have none.

    Attributes:
        labels: by path.
        rows: the row of the table by path, for its other columns; empty for folders.
        how: how cases and labels were joined, in words.
        left_out: what has no label or no case, and why.
        remarks: what to know.
    """

    labels: dict[Path, str] = field(default_factory=dict)
    rows: dict[Path, dict[str, str]] = field(default_factory=dict)
    how: str = ""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def labels_of_folders(root: Path, cases: Sequence[Path]) -> Labelled:
    """Return the folder directly below ``root`` in which each case lies as its label.

    Raises:
        ValueError: there are fewer than two such folders with cases.
    """
    found = Labelled(how="folders: the name of the folder directly below DATA is the class")
    for path in cases:
        parts = path.relative_to(root).parts
        if len(parts) > 1:
            found.labels[path] = parts[0]
        else:
            found.left_out.append((parts[0] if parts else ".", "in no folder of a class"))
    folders = {entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    found.left_out += [(f"{name}/", "no case in this folder") for name in sorted(folders - set(found.labels.values()))]
    if len(set(found.labels.values())) < 2:
        raise ValueError(
            f"{root}: {len(set(found.labels.values()))} folders with cases; give a folder of cases for each of two or "
            "more classes, or a CSV file with labels"
        )
    return found


def labels_of_table(
    table: CSVTable, root: Path, cases: Sequence[Path], id_column: str | None = None, label_column: str | None = None,
    other: str | None = None,
) -> Labelled:  # fmt: skip
    """Return the labels that ``table`` gives to ``cases`` below ``root``.

    A row belongs to a case if the text in its id column is the case's path (below ``root`` or the table's folder), file
    or folder name with or without suffix, or for DICOM a UID, AccessionNumber or PatientID: letter by letter, all rows
    by the same kind of id.

    Args:
        table, root, cases: as above.
        id_column, label_column: names of the columns; by default the only ones that can be.
        other: a column that is neither.

    Raises:
        ValueError: there is no such column, or several could be the one; no row has a case; an id is that of several
            files; a case has two labels; the label column holds no classes.
    """
    columns, ids = _id_columns(table, root, cases, id_column)
    column, kind = _one_join(table, columns, ids)
    label = label_column or _label_column(table, {column, other or column})
    values = table.column(label)
    found = Labelled(how=f"{table.file.name}: column {column!r} is the {kind}, column {label!r} the label")
    found.remarks.append(f"{len(table.rows)} rows, {table.encoding}, separated by {table.separator!r}")
    doubled = 0
    for line, row, value in zip(table.lines, table.rows, values, strict=True):
        wanted = row[column]
        paths = ids[kind].get(_as_path(wanted) if kind == "path" else wanted, [])
        where = f"{table.file.name}, line {line}: {column} {wanted!r}"
        if not paths or says_nothing(value):
            found.left_out.append((where, "no label" if paths else f"no case has this {kind}"))
            continue
        for path in paths:
            before = found.labels.setdefault(path, value)
            if before != value:
                raise ValueError(f"{where} has the label {value!r}, an earlier row {before!r}; keep one")
            doubled += path in found.rows
            found.rows[path] = row
    if doubled and kind not in SHARED:
        found.remarks.append(f"{doubled} rows say again what a row before said")
    named = {path for value in {row[column] for row in table.rows} for path in ids[kind].get(_as_path(value), [])}
    without = [path for path in cases if path not in found.labels and path not in named]
    found.left_out += [(path.relative_to(root).as_posix() or path.name, "no row names it") for path in without]
    _near_misses(found, table, column, without)
    return found


def _as_path(value: str) -> str:
    return value.replace("\\", "/").removeprefix("./")


def _ids_of(path: Path, root: Path, table: Path) -> Iterator[tuple[str, str]]:
    """Yield kind and text of all ids of a case."""
    for folder in (root, table.parent):
        if path.is_relative_to(folder):
            yield "path", path.relative_to(folder).as_posix()
    yield "path", path.as_posix()
    yield "file or folder name", path.name
    stem = NIFTI_NAME.sub("", path.name)
    yield "name without suffix", stem if stem != path.name or path.is_dir() else path.stem
    if path.parent != root:
        yield "name of the folder around it", path.parent.name
    try:
        header = images_ahead(path)[0]
        texts = {name: header.text(name) for name in ("SeriesInstanceUID", *SHARED)}
    except (OSError, ValueError):
        return
    yield from ((name, text.strip()) for name, text in texts.items() if text)


def _id_columns(
    table: CSVTable, root: Path, cases: Sequence[Path], wanted: str | None
) -> tuple[list[tuple[str, str, int]], dict[str, dict[str, list[Path]]]]:
    """Return column, kind of id and number of rows of each column that names cases, and the cases by kind and id."""
    ids: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in cases:
        for kind, text in dict.fromkeys(_ids_of(path, root, table.file)):
            ids[kind][text].append(path)
    found = []
    for column in [wanted] if wanted else table.columns:
        given = table.column(column)
        counts = {kind: sum(_as_path(text) in known for text in given) for kind, known in ids.items()}
        best = max(counts, key=counts.__getitem__)
        if counts[best]:
            found.append((column, best, counts[best]))
    if not found:
        example, have = table.rows[0][wanted or table.columns[0]], [path.name for path in cases[:3]]
        raise ValueError(
            f"{table.file}: no row names a case: {f'column {wanted!r}' if wanted else 'no column'} holds paths, names, "
            f"UIDs or PatientIDs of cases, letter by letter; it has {example!r}, the cases are called "
            f"{', '.join(have)}; its columns are {', '.join(table.columns)}"
        )
    return found, ids


def _one_join(
    table: CSVTable, columns: Sequence[tuple[str, str, int]], ids: dict[str, dict[str, list[Path]]]
) -> tuple[str, str]:
    """Return column and kind of id; columns that name the same cases row by row are one."""
    named = {
        (column, kind): [tuple(ids[kind].get(_as_path(text), ())) for text in table.column(column)]
        for column, kind, _ in columns
    }
    if len({tuple(each) for each in named.values()}) > 1:
        raise ValueError(
            f"{table.file}: several columns name cases: {', '.join(column for column, _, _ in columns)}; give "
            f"--id-column; its columns are {', '.join(table.columns)}"
        )
    column, kind, _ = columns[0]
    for text in table.column(column):
        paths = ids[kind].get(_as_path(text), [])
        if len(paths) > 1 and kind not in SHARED:
            raise ValueError(
                f"{table.file}: {column} {text!r} is the {kind} of {len(paths)} cases: "
                f"{', '.join(path.as_posix() for path in paths[:3])}; name cases by their paths, or give a DATA folder "
                "that holds only one of them"
            )
    return column, kind


def _label_column(table: CSVTable, others: set[str]) -> str:
    """Return the only column that can hold classes."""
    able = []
    for column in table.columns:
        values = [value for value in table.column(column) if not says_nothing(value)]
        if column not in others and 2 <= len(set(values)) <= min(MOST_CLASSES, max(2, len(values) // 2)):
            able.append(column)
    if len(able) != 1:
        which = f"several columns could be the label: {', '.join(able)}" if able else "no column holds a few classes"
        raise ValueError(f"{table.file}: {which}; give --label-column; its columns are {', '.join(table.columns)}")
    return able[0]


def _near_misses(found: Labelled, table: CSVTable, column: str, without: Sequence[Path]) -> None:
    """Remark that ids would agree but for their case or leading zeros: that is never taken for the same."""
    forms: list[tuple[str, Callable[[str], str]]] = [
        ("leading zeros", lambda text: text.lstrip("0")),
        ("upper and lower case", str.lower),
    ]
    taken = {row[column] for row in found.rows.values()}
    rows = {row[column] for row in table.rows} - taken
    names = {form for path in without for form in (path.name, NIFTI_NAME.sub("", path.name), path.stem)}
    for words, form in forms:
        if {form(text) for text in rows if text} & {form(name) for name in names}:
            found.remarks.append(f"some ids of rows and cases differ in {words} only: these are NOT joined")
