"""Results as ``monai-das predict --report json,slices`` writes them, and exports of Label Studio 1.23.2.

Their answers were recorded; what push writes beside them (data, predictions) was brought into its present form."""

import json
import threading
from pathlib import Path

import pytest

from monai_das.reports import write_json, write_slices
from monai_das.review import ReaderVerdict
from tests.reports.conftest import make_result, pixels_of
from tests.review.small_label_studio import SmallLabelStudio

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def results(tmp_path):
    """Two cases of 12 slices, 3 and 7 selected."""
    for case in ("case-1111111111111111", "case-2222222222222222"):
        result = make_result(case_id=case, group="patient-3333333333333333")
        write_json(result, tmp_path / "out" / case / "result.json")
        write_slices(result, pixels_of(result), tmp_path / "out" / case / "slices.zip")
    return tmp_path / "out"


@pytest.fixture
def export():
    """Volumes: task 7 by two readers (one at the page, one by API), task 9 by one who is unsure."""
    return json.loads((RECORDED / "volume_export.json").read_text())


@pytest.fixture
def clip_export():
    return json.loads((RECORDED / "clip_export.json").read_text())


@pytest.fixture
def verdict():
    return ReaderVerdict(
        "case-1111111111111111", 1, "hyperplasia", (3,), (7,), (9,), "reader-1", "2026-01-01T10:00:00Z", 4, "thin"
    )


@pytest.fixture
def server():
    with SmallLabelStudio() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()
