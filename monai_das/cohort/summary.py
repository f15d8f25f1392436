"""The summary of a cohort, for people and for programs."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path
from typing import Any

from monai_das._atomic import atomic_path
from monai_das.cohort.ledger import STATES, Ledger
from monai_das.reports import write_object

# of reasons, the most frequent
MOST_REASONS = 20
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cohort</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
th, td {{ border-bottom: 1px solid #767676; padding: .3rem .8rem; text-align: left; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style></head><body><h1>Cohort</h1><p>{head}</p>{tables}</body></html>
"""


def write_summary(ledger: Ledger, folder: Path, manifest_rows: int) -> dict[str, Any]:
    """Write ``summary.json`` and ``summary.html`` of all shards to ``folder``, and return the former's content."""
    rows = ledger.rows(["state", "reason", "label", "bytes", "seconds"]).to_pydict()
    states, labels = Counter(rows["state"]), Counter(each for each in rows["label"] if each)
    reasons = Counter(
        _kind(reason) for state, reason in zip(rows["state"], rows["reason"], strict=True) if state != "done"
    )
    content = {
        "cases": manifest_rows,
        "in_ledger": len(rows["state"]),
        "states": {state: states[state] for state in STATES},
        "labels": dict(labels.most_common()),
        "reasons": dict(reasons.most_common(MOST_REASONS)),
        "bytes": sum(each or 0 for each in rows["bytes"]),
        "worker_seconds": round(sum(each or 0.0 for each in rows["seconds"]), 1),
    }
    write_object(content, folder / "summary.json")
    with atomic_path(folder / "summary.html") as temporary:
        temporary.write_text(_page(content), encoding="utf-8")
    return content


def _kind(reason: str | None) -> str:
    """Return ``reason`` without the case that it names."""
    words = (reason or "no reason").split(": ")
    return ": ".join(word for word in words if not word.startswith("case-"))


def _page(content: dict[str, Any]) -> str:
    head = (
        f"{content['in_ledger']:,} of {content['cases']:,} cases are in the ledger: {content['bytes'] / 1e9:,.1f} GB, "
        f"{content['worker_seconds'] / 3600:,.2f} hours of workers."
    )
    titles = {"states": "State", "labels": "Answer", "reasons": "Reason, of cases without an answer"}
    return PAGE.format(head=html.escape(head), tables="".join(_table(titles[key], content[key]) for key in titles))


def _table(title: str, counts: dict[str, int]) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(name)}</td><td class="number">{count:,}</td></tr>' for name, count in counts.items()
    )
    return f"<table><tr><th>{title}</th><th>Cases</th></tr>{rows}</table>" if rows else ""
