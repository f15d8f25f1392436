"""One study a file: what training tables do not answer, measured and printed by a command of its own."""

from benchmarks.studies.choice import run_choice
from benchmarks.studies.cost import run_cost
from benchmarks.studies.io import run_io
from benchmarks.studies.needle import run_needle
from benchmarks.studies.policies import run_policies
from benchmarks.studies.readers import run_readers
from benchmarks.studies.review import run_review_change
from benchmarks.studies.thumbnails import run_thumbnails

__all__ = [
    "run_choice",
    "run_cost",
    "run_io",
    "run_needle",
    "run_policies",
    "run_readers",
    "run_review_change",
    "run_thumbnails",
]
