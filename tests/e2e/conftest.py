"""Real servers and a real browser. All of this folder is marked ``e2e`` and runs by ``scripts/test_e2e.sh``."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from monai_das.data import SliceRef
from monai_das.datasets import make_sample_volumes
from monai_das.inference import CasePictures, CaseResult, CaseTimings, DASModelInfo, SelectedSlice
from monai_das.reports import write_html
from tests.e2e.orthanc_server import OrthancServer, orthanc_is_installed

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def start_orthanc(tmp_path_factory):
    """Start an Orthanc with settings of one's own: ``with start_orthanc(RegisteredUsers={"a": "b"}) as server``."""
    if not orthanc_is_installed():
        pytest.skip("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
    return lambda **settings: OrthancServer(tmp_path_factory.mktemp("orthanc"), **settings)


@pytest.fixture(scope="session")
def orthanc_process(start_orthanc):
    with start_orthanc() as server:
        yield server


@pytest.fixture
def orthanc(orthanc_process):
    """An empty Orthanc on loopback; one process for the whole session, emptied before each test.

    ``orthanc.dicomweb`` is the root for ``DICOMwebClient`` and for STOW, QIDO and WADO; ``orthanc.url`` the REST API;
    ``orthanc.upload(folder_or_file, ...)`` stores files without DICOMweb; ``orthanc.get("/studies")`` returns JSON.
    Quirks of 1.10.1: frames need ``media_types=(("application/octet-stream", "1.2.840.10008.1.2.1"),)``.
    """
    orthanc_process.clear()
    return orthanc_process


def long_case(depth=300, side=512, selected_indices=(20, 77, 150, 151, 220, 281)):
    """A made-up volume of ``depth`` slices of ``side`` pixels, with the grain of real images."""
    random = np.random.RandomState(0)
    shape = make_sample_volumes(1, 64)[0]["image"][0].astype(np.float32)
    shape = 200 * shape / shape.max()
    grown = shape.repeat(side // 64, 0).repeat(side // 64, 1)
    grain = random.randint(0, 24, (side, side), np.uint8)

    def stack():
        planes = [np.roll(grain, index, 0) + grown[..., index * 64 // depth] for index in range(depth)]
        return np.stack(planes).astype(np.uint8)

    scores = np.exp(-(((np.arange(depth) - 150) / 60.0) ** 2)) + 0.1 * random.rand(depth)
    refs = [SliceRef(index, f"1.2.{index}", position_mm=(0.0, 0.0, 1.5 * index)) for index in range(depth)]
    selected = tuple(SelectedSlice(refs[index], float(scores[index])) for index in selected_indices)
    return CaseResult(
        case_id="case-0001",
        source_kind="dicom_series",
        label=1,
        label_name="hyperplasia",
        probabilities={"normal": 0.18, "hyperplasia": 0.82},
        selected=selected,
        scores=tuple(float(score) for score in scores),
        sampling_indices=tuple(selected_indices),
        model=DASModelInfo("DAS slice classifier", "0.1.0", "ab" * 32),
        timings=CaseTimings(120.0, 14.0, 3.0, 40.0),
        pictures=CasePictures(stack()[list(selected_indices)], np.zeros((side, depth), np.uint8), make_stack=stack),
    )


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "case.html"
    write_html(long_case(), path)
    return path


@pytest.fixture(scope="session")
def start_browser():
    """Start Chromium with a window of this size; what it says and asks for is logged."""
    webdriver = pytest.importorskip("selenium.webdriver")
    started = []

    def start(width=1280, height=900):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.quit()
