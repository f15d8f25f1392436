"""The site of the docs builds without a warning, its pages link to each other, and its notebooks are current."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

mkdocs = pytest.importorskip("mkdocs")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = runpy.run_path(str(ROOT / "scripts" / "run_notebooks.py"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built by the command of scripts/docs.sh, in an environment that reaches no network."""
    folder = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "https_proxy": "http://127.0.0.1:9",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_of_the_docs_is_in_the_site(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}

    assert {page.as_posix() for page in pages} <= {path.relative_to(site).as_posix() for path in site.rglob("*.html")}


def test_every_link_between_pages_leads_somewhere(site):
    lost = []
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"#]+)', page.read_text(encoding="utf-8")):
            if "://" not in link and not link.startswith(("data:", "mailto:", "/")):
                lost += [] if (page.parent / link).exists() else [(page.name, link)]

    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]+)', page.read_text("utf-8")
        )
        assert loaded == [], page.name


def test_the_api_is_written_from_the_docstrings(site):
    text = (site / "api" / "samplers.html").read_text(encoding="utf-8")

    assert "Choose k distinct slices" in text
    assert 'id="monai_das.samplers.DASSampler"' in text


@pytest.mark.parametrize("path", sorted((ROOT / "docs/notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_is_current(path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    stored = nbformat.read(path, as_version=4)
    if path.stem == "selection":  # the other one trains; its page runs in tests/test_docs.py
        assert NOTEBOOKS["said"](NOTEBOOKS["executed"](path)) == NOTEBOOKS["said"](stored)
    written = path.with_suffix(".md").read_text(encoding="utf-8")

    for source, output in NOTEBOOKS["said"](stored):
        assert source in written
        assert output.rstrip() in written


def test_an_example_is_read_as_a_doctest_and_a_role_as_code():
    griffe = pytest.importorskip("griffe")
    extension = runpy.run_path(str(ROOT / "scripts" / "site_docstrings.py"))["DoctestsAndRoles"]()
    thing = griffe.Function("thing", docstring=griffe.Docstring("See :func:`~a.b`.\n\nExample:\n    >>> 1\n    1"))

    extension.on_object(obj=thing)

    assert thing.docstring.value == "See `a.b`.\n\nExamples:\n    >>> 1\n    1"
