"""The gate refuses a skip that nobody allowed."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SKIPPING = """
import pytest

def test_skipped():
    pytest.skip({reason!r})
"""


@pytest.fixture
def gated(pytester, monkeypatch):
    monkeypatch.setenv("MONAI_DAS_NO_SKIPS", "1")
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"))
    return pytester


def test_an_unexpected_skip_fails(gated):
    gated.makepyfile(SKIPPING.format(reason="no data"))

    result = gated.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*unexpected skip of *test_skipped: *no data*")


def test_a_module_that_skips_itself_fails(gated):
    gated.makepyfile("import pytest\npytest.importorskip('monai_das_absent')\n\ndef test_nothing():\n    pass\n")

    result = gated.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)


def test_a_skip_for_want_of_cuda_is_allowed(gated):
    gated.makepyfile(SKIPPING.format(reason="needs CUDA"))

    result = gated.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(skipped=1)
