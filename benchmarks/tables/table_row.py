"""One row of a table, from which tables are written and plots are drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TableRow:
    """One row: a method at a budget on a data set, over its seeds (and folds).

    ``folds`` counts the parts that were held out, 0 where the official split was used.
    ``difference`` and its interval are paired: the reference's AUC minus this one's, on the same samples; ``p`` is
    corrected for all comparisons of the table. ``recall_difference`` is the same for the recall. They are None for the
    reference itself, and if the number of seeds or the cases differ. ``old_engine``: one of the runs was trained before
    the present engine. ``met`` is the share of the cases with telling slices of which one was chosen, ``precision`` the
    share of their chosen slices that tell.
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
    met: float | None = None
    precision: float | None = None
