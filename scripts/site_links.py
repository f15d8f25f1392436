"""Hook of mkdocs: links that leave `docs/` are good in the repository; the site shows their words."""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s:#]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return ``markdown`` with links out of ``docs/`` replaced by their words."""
    folder = (DOCS / page.file.src_path).parent

    def inside(match: re.Match[str]) -> str:
        return match[0] if (folder / match[2]).resolve().is_relative_to(DOCS) else match[1]

    return LINK.sub(inside, markdown)
