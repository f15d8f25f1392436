"""What the runs of a results file say: rows, Markdown, CSV and plots, made without training anything."""

from benchmarks.tables.pages import PAGES, filled, page_of, write_pages
from benchmarks.tables.rows import table_rows
from benchmarks.tables.table_row import TableRow
from benchmarks.tables.writing import markdown_of, write_tables

__all__ = [
    "PAGES",
    "TableRow",
    "filled",
    "markdown_of",
    "page_of",
    "table_rows",
    "write_pages",
    "write_tables",
]
