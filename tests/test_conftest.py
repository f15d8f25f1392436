"""What is out of reach is skipped and says so; the gate refuses a skip that nobody allowed."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = Path(__file__).parent
SKIPPING = """
import pytest

def test_skipped():
    pytest.skip({reason!r})
"""
NEEDING_DATA = """
import os

import pytest

@pytest.fixture
def masks(data_root):
    return data_root / "adrenal3d"

def test_with_data(masks):
    assert masks.is_dir()

def test_without_data():
    assert "MONAI_DAS_DATA" not in os.environ
"""
MARKERS = "[pytest]\nmarkers = data: needs data\n"


@pytest.fixture
def inner(pytester, monkeypatch):
    """A folder of tests under a copy of the conftest, on a machine that lacks everything."""
    for name in ("MONAI_DAS_NO_SKIPS", "MONAI_DAS_DATA", "MONAI_DAS_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest((TESTS / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini(MARKERS)
    return pytester


@pytest.fixture
def gated(inner, monkeypatch):
    monkeypatch.setenv("MONAI_DAS_NO_SKIPS", "1")
    return inner


def run(pytester, *options):
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rs", *options)


def test_an_unexpected_skip_fails(gated):
    gated.makepyfile(SKIPPING.format(reason="no server"))

    result = run(gated)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*unexpected skip of *test_skipped: *no server*")


def test_a_module_that_skips_itself_fails(gated):
    gated.makepyfile("import pytest\npytest.importorskip('monai_das_absent')\n\ndef test_nothing():\n    pass\n")

    run(gated).assert_outcomes(errors=1)


def test_a_skip_for_want_of_cuda_is_allowed(gated):
    gated.makepyfile(SKIPPING.format(reason="needs CUDA"))

    run(gated).assert_outcomes(skipped=1)


def test_what_needs_data_says_so_and_skips(inner):
    inner.makepyfile(NEEDING_DATA)

    result = run(inner)

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines("*MONAI_DAS_DATA names no folder with adrenal3d, covid_blues, dicom_nih")


def test_what_needs_data_is_marked(inner):
    inner.makepyfile(NEEDING_DATA)

    run(inner, "-m", "data").assert_outcomes(skipped=1, deselected=1)


def test_with_the_data_nothing_is_skipped(gated, monkeypatch, tmp_path):
    for name in ("adrenal3d", "covid_blues", "dicom_nih"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("MONAI_DAS_DATA", str(tmp_path))
    gated.makepyfile(NEEDING_DATA)

    run(gated).assert_outcomes(passed=2)


@pytest.mark.parametrize(("setting", "outcome"), [("stranger", "skipped"), ("1", "failed")])
def test_a_stranger_may_lack_the_data_and_the_gate_may_not(inner, monkeypatch, setting, outcome):
    monkeypatch.setenv("MONAI_DAS_NO_SKIPS", setting)
    inner.makepyfile("def test_with_data(data_root):\n    pass\n")

    run(inner).assert_outcomes(**{"errors" if outcome == "failed" else outcome: 1})


def test_a_schema_that_cannot_be_downloaded_is_named(inner, monkeypatch, tmp_path):
    nowhere = (tmp_path / "absent.json").as_uri()
    metadata = tmp_path / "metadata.json"
    metadata.write_text(f'{{"schema": "{nowhere}"}}', encoding="utf-8")
    copy = (TESTS / "conftest.py").read_text(encoding="utf-8")
    inner.makeconftest(re.sub(r"^METADATA = .*$", f"METADATA = Path({str(metadata)!r})", copy, flags=re.MULTILINE))
    inner.makepyfile("def test_with_schema(official_schema):\n    pass\n")

    result = run(inner)

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines("*MONAI_DAS_SCHEMA names no file, and file:*absent.json cannot be downloaded*")


def test_no_test_looks_for_the_data_by_itself():
    looking = re.compile(r"(?:environ|getenv).{0,8}MONAI_DAS_(?:DATA|SCHEMA)")
    found = [path.name for path in sorted(TESTS.rglob("*.py")) if looking.search(path.read_text(encoding="utf-8"))]

    assert found == []
