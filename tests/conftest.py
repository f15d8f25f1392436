"""What all tests share: a seed each, and the only doors to what a machine may lack, the data and the official schema.

A test that takes ``data_root`` or ``official_schema`` is marked ``data``, and skips where that is out of reach. Under
``MONAI_DAS_NO_SKIPS=1`` a skip is a failure; under ``MONAI_DAS_NO_SKIPS=stranger`` too, but of tests marked so.
"""

import http.client
import json
import os
import shutil
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed

OUT_OF_REACH = {"data_root", "official_schema"}
ALLOWED_SKIPS = {"1": ("CUDA",), "stranger": ("CUDA", "MONAI_DAS_DATA", "MONAI_DAS_SCHEMA")}
SETS = ("adrenal3d", "covid_blues", "dicom_nih")
METADATA = Path(__file__).parents[1] / "bundle" / "configs" / "metadata.json"


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The machine's settings, taken away from all tests: none finds data without asking for ``data_root``.

    What the installation remembers is put into a folder of the tests, and no test finds or makes the case key of
    whoever runs it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        found = {name: os.environ.get(name, "") for name in ("MONAI_DAS_DATA", "MONAI_DAS_SCHEMA")}
        for name in found:
            patch.delenv(name, raising=False)
        patch.delenv("MONAI_DAS_CASE_KEY", raising=False)
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield found


@pytest.fixture(scope="session")
def data_root(machine: dict[str, str]) -> Path:
    """The folder of ``MONAI_DAS_DATA``, laid out as CONTRIBUTING says."""
    root = Path(machine["MONAI_DAS_DATA"])
    if not machine["MONAI_DAS_DATA"] or not all((root / name).is_dir() for name in SETS):
        pytest.skip(f"MONAI_DAS_DATA names no folder with {', '.join(SETS)}")
    return root


@pytest.fixture(scope="session")
def official_schema(machine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MONAI's schema of bundle metadata: the file that ``MONAI_DAS_SCHEMA`` names, else downloaded."""
    if machine["MONAI_DAS_SCHEMA"]:
        return Path(machine["MONAI_DAS_SCHEMA"]).resolve()
    address = json.loads(METADATA.read_text(encoding="utf-8"))["schema"]
    path = tmp_path_factory.mktemp("schema") / "meta_schema.json"
    try:
        with urllib.request.urlopen(address, timeout=20) as response, path.open("wb") as file:
            shutil.copyfileobj(response, file)
    except (OSError, http.client.HTTPException) as error:
        pytest.skip(f"MONAI_DAS_SCHEMA names no file, and {address} cannot be downloaded ({error})")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if OUT_OF_REACH.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.data)


@pytest.fixture
def process_group() -> Generator[None, None, None]:
    """A group of this one process."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, unless its reason names something that this machine may lack."""
    allowed = ALLOWED_SKIPS.get(os.environ.get("MONAI_DAS_NO_SKIPS", ""))
    if allowed is None or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(word in reason for word in allowed):
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
