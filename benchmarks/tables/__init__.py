"""What the runs of a results file say: rows, Markdown, CSV and plots, made without training anything."""

from benchmarks.tables.rows import table_rows
from benchmarks.tables.table_row import TableRow
from benchmarks.tables.writing import markdown_of, write_tables

__all__ = ["TableRow", "markdown_of", "table_rows", "write_tables"]
