"""What a reader says of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


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
