"""Every Python block of the README and the docs runs, top to bottom, as if typed in the checkout's root."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
PAGES = [
    path
    for pattern in ("*.md", "docs/**/*.md", "bundle/docs/*.md", "zoo/*/docs/*.md")
    for path in sorted(ROOT.glob(pattern))
    if FENCED.search(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_blocks_run(page, tmp_path, monkeypatch):
    for folder in ("bundle", "configs", "zoo"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace = {"__name__": "__main__"}

    for block in FENCED.finditer(text):
        # blank lines in front, so that an error shows the page's own line number
        lines_before = text.count("\n", 0, block.start(1))
        exec(compile("\n" * lines_before + block.group(1), str(page), "exec"), namespace)
