"""Pseudonyms of patients of which a test knows whether they are held out."""

from itertools import count

from monai_das.datasets import group_place


def patient(number: int, *, held_out: bool) -> str:
    """Return a pseudonym that is held out whether one in two or one in five is, or in neither case."""
    names = (f"patient-{number}-{attempt}" for attempt in count())
    return next(name for name in names if (group_place(name) >= 0.8 if held_out else group_place(name) < 0.5))
