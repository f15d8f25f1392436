"""The pages of ``docs/results``, one for each grid, and the rows of them that ``docs/results.md`` shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from monai_das._atomic import atomic_path

PAGES = {
    "lgg_sets": "Brain MR (TCGA-LGG, CC BY-NC-SA 4.0): does a set of 12 slices hold a tumour, k = 3, by patients",
    "lgg_brains": "Whole brains (TCGA-LGG, CC BY-NC-SA 4.0): tumour slices, and where the tumour lies",
    "hard_needle": "The hard needle: 24, 32 and 48 slices, Gaussian and Rician noise, an eighth of the slices",
    "evidence": "Known evidence: two needle sets and planted lesions, an eighth of the slices",
    "headline": "AdrenalMNIST3D at 28 cubed, three budgets",
    "adrenal64": "AdrenalMNIST3D at 64 cubed, a quarter of the slices",
    "covid_blues": "COVID-BLUES, severity 2 or above, held-out patients",
    "hippocampus": "Hippocampus volume, held-out folds",
}
SHOWN = (
    "data",
    "slices",
    "method",
    "seeds",
    "test AUC (95 % interval)",
    "reference minus this (95 % interval)",
    "recall",
)
BLOCK = re.compile(r"<!-- rows of (\w+): (.+?) -->\n\n.*?<!-- end -->", re.DOTALL)


def write_pages(tables: Mapping[str, str], docs: Path) -> list[Path]:
    """Write a page of each of ``tables``, by the name of its grid, and fill in ``docs/results.md``; return the paths.

    Raises:
        ValueError: see :func:`filled`.
    """
    summary = docs / "results.md"
    texts = {docs / "results" / f"{name}.md": page_of(name, table) for name, table in tables.items()}
    texts[summary] = filled(summary.read_text(encoding="utf-8"), tables)
    for path, text in texts.items():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts)


def page_of(name: str, table: str) -> str:
    """Return the page of ``docs/results`` that shows ``table``."""
    return f"""# {PAGES[name]}

`python -m benchmarks pages` writes this page from `results/runs.jsonl`: edit neither. The runs were made by

```
python -m benchmarks table --grid benchmarks/grids/{name}.json
```

What the columns mean: [how to read the tables](../results.md#how-to-read-the-tables).

{table}
"""


def filled(text: str, tables: Mapping[str, str]) -> str:
    """Return ``text`` with the rows of ``tables`` that its markers ask for.

    Args:
        text: Markdown with blocks such as ``<!-- rows of NAME: DATA BUDGET: METHOD; METHOD -->``, an empty line, a
            table, an empty line, ``<!-- end -->``. `` | `` separates several data sets or budgets of one block.
        tables: the full tables, by the name of their grid.

    Raises:
        ValueError: a block asks for a table or a row that is not there.
    """

    def block(match: re.Match[str]) -> str:
        name, wanted = match.groups()
        if name not in tables:
            raise ValueError(f"rows of {name}: no such table; use one of {', '.join(tables)}")
        return f"<!-- rows of {name}: {wanted} -->\n\n{shown_rows(tables[name], wanted)}\n\n<!-- end -->"

    return BLOCK.sub(block, text)


def shown_rows(table: str, wanted: str) -> str:
    """Return the rows of ``table`` that ``wanted`` names, with the columns of ``SHOWN`` that are not empty."""
    head, _, *rows = [cells_of(line) for line in table.splitlines() if line.startswith("|")]
    chosen = []
    for part in wanted.split(" | "):
        place, methods = part.split(": ")
        data, budget = place.rsplit(" ", 1)
        chosen += [row_of(rows, data, budget, method) for method in methods.split("; ")]
    columns = [head.index(name) for name in SHOWN if any(row[head.index(name)] for row in chosen)]
    lines = [[head[column] for column in columns], ["---"] * len(columns)]
    lines += [[row[column] for column in columns] for row in chosen]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace(" --- ", "---")


def cells_of(line: str) -> list[str]:
    """Return the cells of one line of a table."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def row_of(rows: list[list[str]], data: str, budget: str, method: str) -> list[str]:
    """Return the row of a method; one that keeps all slices is found as it stands under ``budget``.

    Raises:
        ValueError: there is no such row.
    """
    here = [row for row in rows if row[0] == data]
    budgets = list(dict.fromkeys(row[1] for row in here if row[1] != "all"))
    named = [row for row in here if row[2].rstrip(" †") == method]
    found = [row for row in named if row[1] == budget]
    if not found and budget in budgets:
        found = [row for row in named if row[1] == "all"][budgets.index(budget) :]
    if not found:
        raise ValueError(f"the table has no row of {method!r} on {data} at {budget}; it has {sorted(budgets)}")
    return found[0]
