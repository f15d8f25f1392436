"""Real servers and a real browser. All of this folder is marked ``e2e`` and runs by ``scripts/test_e2e.sh``."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from pydicom import Dataset

from monai_das.data import SliceRef, SliceSource
from monai_das.inference import CaseResult, CaseTimings, DASModelInfo, NetworkView, SelectedSlice
from monai_das.reports import write_html
from monai_das.transforms.thumbnails import make_thumbnails
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


CHOSEN = tuple(range(60, 220, 10))


class LongCT(SliceSource):
    """A made-up abdomen of ``depth`` slices of ``side`` pixels, with noise of 18 HU; slices are made when read."""

    def __init__(self, depth=300, side=512):
        self.name, self.kind, self.channels, self.plane_shape = "made up", "dicom_series", 1, (side, side)
        self.affine = np.diag([-0.7, -0.7, 1.5, 1.0])
        self.refs = tuple(
            SliceRef(index, f"1.2.{index}", position_mm=(0.0, 0.0, 1.5 * index), instance_number=depth - index)
            for index in range(depth)
        )
        self.noise = np.random.RandomState(0).normal(0, 18, (side, side))
        across, down = np.mgrid[:side, :side] / side - 0.5
        self.across, self.down = across, down
        self.body = np.where((across / 0.4) ** 2 + (down / 0.3) ** 2 < 1, 40.0, -1000.0)

    def read(self, indices):
        return torch.from_numpy(np.stack([self._slice(index) for index in indices], -1)[None].astype(np.float32))

    def thumbnails(self, size):
        parts = [make_thumbnails(self.read([index])[None], size)[0] for index in range(len(self))]
        return torch.cat(parts, -1)

    def pixel_header(self, index):
        tags = Dataset()
        tags.Modality, tags.BodyPartExamined = "CT", "ABDOMEN"
        return tags

    def _slice(self, index):
        values = self.body + np.roll(self.noise, 31 * index, (0, 1))
        for organ, change in enumerate((-800, 60, 120, 300, -100)):
            across, down = 0.24 * np.cos(1.3 * organ + index / 90), 0.16 * np.sin(1.7 * organ + index / 60)
            values[(self.across - across) ** 2 + (self.down - down) ** 2 < 0.05**2] += change
        return np.rint(values)


def long_case(source):
    """A result of which 16 slices of ``source`` are selected."""
    depth = len(source)
    scores = np.exp(-(((np.arange(depth) - 150) / 60.0) ** 2)) + 0.1 * np.random.RandomState(0).rand(depth)
    return CaseResult(
        case_id="case-0001",
        source_kind="dicom_series",
        label=1,
        label_name="hyperplasia",
        probabilities={"normal": 0.18, "hyperplasia": 0.82},
        selected=tuple(SelectedSlice(source.refs[index], float(scores[index])) for index in CHOSEN),
        scores=tuple(float(score) for score in scores),
        sampling_indices=CHOSEN,
        model=DASModelInfo("DAS slice classifier", "0.1.0", "ab" * 32),
        timings=CaseTimings(120.0, 14.0, 3.0, 40.0),
        refs=source.refs,
        network_view=NetworkView(np.full((16, 64, 64), 90, np.uint8)),
    )


@pytest.fixture(scope="session")
def long_ct():
    return LongCT()


@pytest.fixture(scope="session")
def page(tmp_path_factory, long_ct):
    path = tmp_path_factory.mktemp("page") / "case.html"
    write_html(long_case(long_ct), long_ct, path)
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
