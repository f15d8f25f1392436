"""Readers' verdicts on cases, and the MONAI datalist that carries them to training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from monai_das.reports import write_object
from monai_das.review.agreement import ReaderAgreement


@dataclass(frozen=True)
class ReaderVerdict:
    """The verdict of one reader on one case. Slice numbers are 0-based, in the source's own order.

    Attributes:
        case_id: id of the case, as in :class:`~monai_das.inference.CaseResult`.
        label: number of the class, corrected by the reader or as predicted; None if the reader was unsure.
        label_name: name of that class.
        slices_confirmed: selected slices that the reader found informative.
        slices_rejected: selected slices that the reader found not informative, or affected by an artefact.
        slices_added: slices that the model did not select and the reader wants.
        quality: 1 (poor) to 5 (good), None if not given.
        note: free text, None if not given.
        reviewer: a pseudonym.
        reviewed_at: time in ISO 8601.
        model: name, version and ``weights_sha256`` of the model under review.
        image: file or folder of the case, None if not known.
        group: pseudonym of the patient, None if not known.
    """

    case_id: str
    label: int | None
    label_name: str
    slices_confirmed: tuple[int, ...]
    slices_rejected: tuple[int, ...]
    slices_added: tuple[int, ...]
    reviewer: str
    reviewed_at: str
    quality: int | None = None
    note: str | None = None
    model: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    group: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dictionary that JSON can hold."""
        found = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ReaderVerdict:
        """Return the verdict that :meth:`to_dict` turned into ``entry``.

        Raises:
            ValueError: a field is missing, or is not of its kind.
        """
        names = {each.name for each in fields(cls)}
        missing = sorted(names - {"quality", "note", "model", "image", "group"} - set(entry))
        if missing:
            raise ValueError(f"a verdict needs {', '.join(missing)}; got {', '.join(sorted(entry)) or 'nothing'}")
        values = {key: _checked(key, value) for key, value in entry.items() if key in names}
        return cls(**values)


def _checked(key: str, value: Any) -> Any:
    """Return ``value`` in the type of the field ``key``."""
    if key.startswith("slices_"):
        if not isinstance(value, list | tuple) or not all(_is_index(each) for each in value):
            raise ValueError(f"{key} must be a list of 0-based slice numbers, got {value!r}")
        return tuple(sorted(set(value)))
    if key in ("label", "quality"):
        if value is not None and not _is_index(value):
            raise ValueError(f"{key} must be a whole number or null, got {value!r}")
    elif key == "model":
        if not isinstance(value, Mapping):
            raise ValueError(f"model must be an object with name, version and weights_sha256, got {value!r}")
    elif not isinstance(value, str) and not (value is None and key in ("note", "image", "group")):
        raise ValueError(f"{key} must be text, got {value!r}")
    return value


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def verdict_datalist(verdicts: Iterable[ReaderVerdict], agreement: ReaderAgreement) -> dict[str, Any]:
    """Return the MONAI datalist of ``verdicts``: one entry for each case and reader.

    ``training`` holds entries with a label; ``unsure`` holds entries without one, which no loss can use.
    """
    entries = [verdict.to_dict() for verdict in verdicts]
    return {
        "training": [entry for entry in entries if entry["label"] is not None],
        "unsure": [entry for entry in entries if entry["label"] is None],
        "agreement": asdict(agreement),
    }


def write_verdicts(verdicts: Iterable[ReaderVerdict], agreement: ReaderAgreement, path: Path) -> None:
    """Write :func:`verdict_datalist` to ``path`` as JSON, whole or not at all."""
    write_object(verdict_datalist(verdicts, agreement), path)


def read_verdicts(*paths: Path) -> list[ReaderVerdict]:
    """Read files of :func:`write_verdicts`, or files that pages of ``monai-das predict --report html`` saved.

    Both hold ``{"training": [...], "unsure": [...]}``, each entry in the form of :meth:`ReaderVerdict.to_dict`. Of
    several verdicts of one reader on one case and model, the latest counts: a page that is saved again replaces.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: it is not such a file.
    """
    verdicts = [verdict for path in paths for verdict in _verdicts_in(path)]
    latest = {_told(each): each for each in sorted(verdicts, key=lambda each: each.reviewed_at)}
    return [each for each in verdicts if latest[_told(each)] is each]


def _told(verdict: ReaderVerdict) -> tuple[str, str, str | None]:
    """Return who said it of which case and model."""
    return verdict.case_id, verdict.reviewer, verdict.model.get("weights_sha256")


def _verdicts_in(path: Path) -> list[ReaderVerdict]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = [*content["training"], *content.get("unsure", [])]
        return [ReaderVerdict.from_dict(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} holds no verdicts ({error}); give what pull or the HTML report saved") from error
