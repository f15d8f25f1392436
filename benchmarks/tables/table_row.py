"""One row of a table: what tables are written from, and plots drawn from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TableRow:
    """One row: a method at a budget on a data set, over its seeds (and folds).

    ``folds`` counts the parts that were held out, 0 where the official split was used.
    ``difference`` and its interval are paired: the reference's AUC minus this one's, on the same samples; ``p`` is
    corrected for all comparisons of the table. ``recall_difference`` is the same of the recall. They are None for the
    reference itself, and where the seeds differ in number or the cases are others. ``old_engine``: one of the runs was
    trained before the engine that there is now.
    """

    data: str
    budget: float | None
    method: str
    seeds: int
    folds: int
    auc: float
    low: float
    high: float
    worst: float
    balanced_accuracy: float
    accuracy: float
    ece: float
    recall: float | None
    val_auc: float | None
    cpu_seconds: float
    ms: float
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    recall_difference: float | None = None
    recall_difference_low: float | None = None
    recall_difference_high: float | None = None
    old_engine: bool = False
