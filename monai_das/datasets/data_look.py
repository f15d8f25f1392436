"""A look at somebody's own data: labelled cases, what was left out and why, and parts for training and testing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from monai_das.data import CaseKey, find_cases, finding_of
from monai_das.datasets.case_facts import CaseFacts, look_at
from monai_das.datasets.class_labels import class_names_of
from monai_das.datasets.class_parts import parts_with_every_class
from monai_das.datasets.csv_table import CSVTable
from monai_das.datasets.label_join import Labelled, labels_of_folders, labels_of_table
from monai_das.datasets.proposal import Proposal
from monai_das.metrics.predictions import group_numbers

FOLDER = "folder"


@dataclass(frozen=True)
class DataLook:
    """What :func:`look_at_data` found.

    Attributes:
        classes: names in the order of class numbers.
        facts: of every case that is kept.
        parts: items of a datalist by part, with ``image`` (path), ``label``, ``group``, ``name`` and ``sha256``.
        labelled: how labels were found, and what was left out.
        grouping: what a patient is, in words.
        seed: by which patients fall into parts.
    """

    classes: tuple[str, ...]
    facts: tuple[CaseFacts, ...]
    parts: dict[str, list[dict[str, Any]]]
    labelled: Labelled
    grouping: str
    seed: int = 0

    def table(self, proposal: Proposal) -> list[tuple[str, str]]:
        """Return what was found as pairs of words, with counts by class and part, and what was left out."""
        items = [item for part in self.parts.values() for item in part]
        counts = Counter(item["label"] for item in items)
        rows = [("labels", self.labelled.how), *(("", remark) for remark in self.labelled.remarks)]
        rows += [("cases", f"{len(items)}: {_counted(Counter(fact.kind for fact in self.facts))}")]
        rows += [("classes", ", ".join(f"{name} {counts[number]}" for number, name in enumerate(self.classes)))]
        rows += [("patients", f"{len({item['group'] for item in items})}: {self.grouping}")]
        for part, inside in self.parts.items():
            each = Counter(item["label"] for item in inside)
            words = ", ".join(f"{name} {each[number]}" for number, name in enumerate(self.classes))
            patients = len({item["group"] for item in inside})
            rows.append((part, f"{len(inside)} cases of {patients} patients: {words}"))
        rows.append(("", f"by --seed {self.seed}: give it again with more cases, so that no test case ever trains"))
        noun = "frames" if proposal.clips else f"{proposal.axis} slices"
        rows.append((noun, _range(proposal.depths)))
        if any(proposal.spacings):
            rows.append(("spacing", f"{_range(proposal.spacings)} mm"))
        rows.append(("slice size", f"{_range([fact.side for fact in self.facts])} pixels"))
        kinds = Counter(fact.values or "without contrast" for fact in self.facts)
        low, high = min(fact.low for fact in self.facts), max(fact.high for fact in self.facts)
        rows.append(("intensities", f"{_counted(kinds)}; 1st to 99th percentile {low:g} to {high:g}"))
        modalities = Counter(fact.modality for fact in self.facts if fact.modality)
        rows += [("modality", _counted(modalities))] if modalities else []
        reasons = Counter(reason for _, reason in self.labelled.left_out)
        rows.append(("left out", _counted(reasons) if reasons else "nothing"))
        return rows


def look_at_data(
    root: Path,
    key: CaseKey,
    table: CSVTable | None = None,
    columns: tuple[str | None, str | None] = (None, None),
    group_by: str | None = None,
    seed: int | None = None,
    shown: Any = iter,
) -> DataLook:
    """Find cases below ``root``, join them with labels, look at each, and deal them out by patient.

    Args:
        root: a folder of cases.
        key: makes the pseudonyms of cases and patients.
        table: with the labels; None: folders are classes.
        columns: names of the id column and of the label column; None: the only ones that can be.
        group_by: what a patient is. None: what the files say, else each case is one; ``"folder"``: the first folder
            below that of the class, or below ``root``; with a bracket: a regular expression, whose part in brackets is
            the patient in a case's path; else the column of ``table`` with this name.
        seed: of the parts; None: the first by which every part has every class.
        shown: wraps the sequence of cases, to show progress.

    Raises:
        FileNotFoundError, ValueError: see :func:`find_cases`, :func:`labels_of_folders`, :func:`labels_of_table`,
            :func:`class_names_of` and :func:`parts_with_every_class`; all cases are of one patient; the same content
            has two labels.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: give a folder of cases")
    if group_by not in (None, FOLDER) and "(" not in str(group_by):
        if table is None:
            raise ValueError(f"--group-by {group_by}: there is no table of labels with this column; give 'folder'")
        table.column(str(group_by))
    cases = [path for _, path in find_cases([root])]
    labelled = (
        labels_of_folders(root, cases)
        if table is None
        else labels_of_table(table, root, cases, *columns, other=group_by if group_by in table.columns else None)
    )
    names = class_names_of(labelled.labels.values())
    classes = tuple(dict.fromkeys(names.values()))
    facts = _looked_at(shown([path for path in cases if path in labelled.labels]), key, labelled)
    facts = _without_copies(facts, {path: names[label] for path, label in labelled.labels.items()}, labelled)
    groups, grouping = _groups(facts, labelled, root, group_by, key)
    items = [
        {
            "image": str(fact.path),
            "label": classes.index(names[labelled.labels[fact.path]]),
            "name": fact.case_id,
            "group": groups[fact.path],
            "sha256": fact.sha256,
        }
        for fact in facts
    ]
    parts, found = parts_with_every_class(items, classes, seed)
    return DataLook(classes, tuple(facts), parts, labelled, grouping, found)


def _looked_at(paths: Iterable[Path], key: CaseKey, labelled: Labelled) -> list[CaseFacts]:
    """Return the facts of the cases that can be opened; the others are left out."""
    facts = []
    for path in paths:
        try:
            facts.append(look_at(path, key))
        except (OSError, ValueError, ImportError) as error:
            finding = finding_of(error)
            labelled.left_out.append((path.as_posix(), f"cannot be read: {finding.plain if finding else error}"))
    if not facts:
        raise ValueError(f"none of {len(labelled.left_out)} cases can be read: {labelled.left_out[-1][1]}")
    return facts


def _without_copies(facts: Sequence[CaseFacts], names: Mapping[Path, str], labelled: Labelled) -> list[CaseFacts]:
    """Return ``facts`` with one case for each content."""
    known: dict[str, CaseFacts] = {}
    for fact in facts:
        first = known.setdefault(fact.case_id, fact)
        if first is not fact:
            if names[first.path] != names[fact.path]:
                raise ValueError(
                    f"{first.path} and {fact.path} are the same case, with the labels {names[first.path]!r} and "
                    f"{names[fact.path]!r}; keep one"
                )
            labelled.left_out.append((fact.path.as_posix(), "a copy of another case"))
    return list(known.values())


def _groups(
    facts: Sequence[CaseFacts], labelled: Labelled, root: Path, group_by: str | None, key: CaseKey
) -> tuple[dict[Path, str], str]:
    """Return the pseudonym of each case's patient, and what a patient is."""
    if group_by is None:
        groups = {fact.path: fact.group for fact in facts}
        named = sum(fact.named_patient for fact in facts)
        words = "by PatientID" if named == len(facts) else "each case counts as a patient of its own"
        if 0 < named < len(facts):
            words = f"by PatientID; {len(facts) - named} cases name none and count as patients of their own"
        guess = [name for row in list(labelled.rows.values())[:1] for name in row if _may_be_patient(name)]
        if named < len(facts) and guess:
            words += f" (is {guess[0]!r} the patient? then --group-by {guess[0]!r})"
    elif group_by == FOLDER:
        depth = 1 if labelled.rows else 2
        groups = {
            fact.path: key.patient("/".join(fact.path.relative_to(root).parts[:depth]), "folder") for fact in facts
        }
        words = "by folder"
    elif "(" in group_by:
        names = [fact.path.relative_to(root).as_posix() for fact in facts]
        group_numbers(names, group_by)  # says what is wrong with the expression
        found = [re.search(group_by, name) for name in names]
        groups = {fact.path: key.patient(match[1] if match else "") for fact, match in zip(facts, found, strict=True)}
        words = f"by {group_by!r} in the path"
    else:
        groups = {fact.path: key.patient(labelled.rows[fact.path][group_by]) for fact in facts}
        words = f"by column {group_by!r}"
    if len(set(groups.values())) == 1:
        raise ValueError(
            f"all {len(facts)} cases are of one patient ({words}), so that no part could be held out; say who the "
            "patients are: --group-by folder, or --group-by COLUMN of the table"
        )
    return groups, words


def _may_be_patient(column: str) -> bool:
    return any(word in column.lower() for word in ("patient", "subject", "participant"))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}, median {median(values):g}"
