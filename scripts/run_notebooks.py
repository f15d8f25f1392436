"""Execute docs/notebooks/*.ipynb, write their outputs and a page of the docs for each; `--check` only compares.

A page shows the cells and what they printed or drew, so that it reads without Jupyter.
"""

import argparse
import base64
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"


def main(check: bool) -> None:
    """Run every notebook from the root of the checkout; with ``check``, end with an error where an output differs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        before = nbformat.read(path, as_version=4)
        after = executed(path)
        if check and said(before) != said(after):
            raise SystemExit(f"{path.name}: the outputs are not current; run python scripts/run_notebooks.py")
        if not check:
            nbformat.write(after, path)
            write_page(after, path)
        print(f"{path.name}: {'current' if check else 'written'}")


def executed(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at ``path``, executed in a fresh kernel."""
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(FOLDER.parents[1])}}).execute()
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # times of this run
    return book


def said(book: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the source and printed text of every cell; pictures are left out, as fonts differ."""
    return [(cell.source, "".join(map(text_of, cell.get("outputs", [])))) for cell in book.cells]


def text_of(output: nbformat.NotebookNode) -> str:
    """Return what ``output`` printed; nothing for a picture or a warning."""
    return output.text if output.get("name") == "stdout" else ""


def write_page(book: nbformat.NotebookNode, path: Path) -> None:
    """Write the page ``NAME.md`` beside the notebook, and its pictures."""
    parts = []
    for number, cell in enumerate(book.cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            if text := text_of(output):
                parts.append(f"```text\n{text.rstrip()}\n```")
            elif "image/png" in output.get("data", {}):
                picture = path.with_name(f"{path.stem}_{number}.png")
                picture.write_bytes(base64.b64decode(output.data["image/png"]))
                parts.append(f"![What the cell above drew]({picture.name})")
    path.with_suffix(".md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    main(parser.parse_args().check)
