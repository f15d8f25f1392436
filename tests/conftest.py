"""What all tests share: one seed each, and under ``MONAI_DAS_NO_SKIPS=1`` (the gate) no skip but the allowed ones."""

import os
from collections.abc import Generator

import pytest
import torch

ALLOWED_SKIPS = ("CUDA",)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, unless its reason names something that the gate's machine cannot have."""
    if os.environ.get("MONAI_DAS_NO_SKIPS") != "1" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(allowed in reason for allowed in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"unexpected skip of {report.nodeid}: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report
