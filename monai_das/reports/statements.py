"""What every report for an archive says in words beside class and slices, and what its series is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monai_das.data import plain_text
from monai_das.inference import CaseResult
from monai_das.reports.codes import LONGEST_TEXT, MEANINGS

if TYPE_CHECKING:
    from pydicom import Dataset

RESEARCH_ONLY = "Research use only. Not a medical device; not for diagnosis"
CHOSEN_ON = {
    "exact": "exact thumbnails",
    "reduced": "thumbnails of coarse JPEG 2000 levels",
    "drawn": "drawings of the server in 8 bits, and read at full depth",
}
DATES = (
    "Dates are those of the newest image referred to, so that the same input, model and settings give the same object; "
    "the archive knows when it was stored"
)


def statements(result: CaseResult, header: Dataset) -> list[tuple[str, str]]:
    """Return what to say of a case, each with its value in :data:`~monai_das.reports.codes.MEANINGS`.

    Args:
        result: the case.
        header: of one of the selected slices, for their series.
    """
    model, verdict = result.model, result.input
    noun = "slices" if result.selected[0].ref.frame is None else "frames"
    source = f"{len(result.selected)} of {result.total_slices} {noun} of {series_name(header)}"
    accepted = "Not accepted" if verdict.reasons else "Accepted"
    rule = f"; {result.rule}" if result.rule else ""
    return [
        ("model", f"{model.name} {model.version}, weights SHA-256 {model.weights_sha256}{model.run_by}{rule}"),
        ("source", f"{source}, SeriesInstanceUID {header.SeriesInstanceUID}, chosen on {CHOSEN_ON[result.thumbnails]}"),
        ("intended-use", model.intended_use or "The model states none"),
        ("research-only", RESEARCH_ONLY),
        ("input-check", f"{accepted} by the model's contract{_distance(result)}"),
        *(("notice", notice) for notice in result.notices),
        *(("warning", plain_text(warning)) for warning in result.warnings),
        ("dates", DATES),
    ]


def in_one(said: list[tuple[str, str]]) -> str:
    """Return ``statements`` as one text, each with what it is about."""
    return " ".join(f"{MEANINGS[name]}: {words}." for name, words in said)


def series_name(header: Dataset) -> str:
    """Return the number of the series of ``header``, or the end of its UID where it has none, and its description."""
    number = header.get("SeriesNumber")
    name = f"series ..{str(header.SeriesInstanceUID)[-8:]}" if number is None else f"series {int(number)}"
    described = str(header.get("SeriesDescription") or "").strip()
    return f"{name} ({described})" if described else name


def series_description(kind: str, result: CaseResult, header: Dataset) -> str:
    """Return version, model, ``kind`` and source series in 64 characters; of a long name the last words are kept.

    The version comes first, because viewers show the first twenty characters or so.
    """
    source = series_name(header).partition(" (")[0]
    version, fixed = result.model.version[:16], f", {kind} of {source}"
    name = shortened(result.model.name.replace("\\", "/"), LONGEST_TEXT - len(version) - 1 - len(fixed))
    return f"{version} {name}{fixed}"


def shortened(name: str, room: int) -> str:
    """Return the last words of ``name`` that fit in ``room`` characters, as names of models differ at their ends.

    Example:
        >>> shortened("Adaptive slice selection for adrenal glands", 30)
        '..selection for adrenal glands'
    """
    words = name.split()
    if len(name) <= room:
        return name
    while len(words) > 1 and len(" ".join(words)) + 2 > room:
        del words[0]
    return f"..{' '.join(words)}"[:room]


def _distance(result: CaseResult) -> str:
    verdict = result.input
    if verdict.distance is None or verdict.limit is None:
        return "; its distance from the training cases is not known"
    return f"; distance {verdict.distance:.2f} from the training cases, {verdict.limit:.2f} is their limit"
