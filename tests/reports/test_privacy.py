import errno
import json
from pathlib import Path

import pytest

from monai_das.data import Finding, StudyError
from monai_das.reports import pseudonyms, write_case_map
from monai_das.reports.privacy import error_message

ADDRESS = "https://pacs.clinic.org:8042/dicom-web/studies/1.2.3456/series/7.8.9012"


def test_ids_are_numbers_in_the_order_of_the_inputs():
    cases = [("DOE_JANE", Path("b")), ("smith", Path("a"))]

    assert pseudonyms(cases) == [("case-0001", Path("b")), ("case-0002", Path("a"))]


def test_the_map_says_which_case_is_which_path(tmp_path):
    write_case_map([("case-0001", tmp_path / "DOE_JANE")], tmp_path / "map.json")

    assert json.loads((tmp_path / "map.json").read_text()) == {"cases": {"case-0001": str(tmp_path / "DOE_JANE")}}


def test_the_map_keeps_addresses_as_they_are(tmp_path):
    write_case_map([("case-0001", ADDRESS)], tmp_path / "map.json")

    assert json.loads((tmp_path / "map.json").read_text()) == {"cases": {"case-0001": ADDRESS}}


@pytest.mark.parametrize(
    ("error", "plain", "full"),
    [
        (
            StudyError("DOE/JANE", "2 series", files=[Path("Jane.dcm")], texts=["knee of Jane"]),
            "ValueError: case-0001: 2 series",
            "ValueError: DOE/JANE: 2 series [Jane.dcm] ['knee of Jane']",
        ),
        (ValueError(Finding("3 channels")), "ValueError: 3 channels", "ValueError: 3 channels"),
        (
            OSError(errno.ENOSPC, "No space left on device", "DOE/JANE"),
            "OSError: No space left on device",
            "OSError: [Errno 28] No space left on device: 'DOE/JANE'",
        ),
        (ImportError("give the extra video"), "ImportError: give the extra video", "ImportError: give the extra video"),
        (
            KeyError("Jane"),
            "KeyError, whose text may identify the patient; --include-phi shows it",
            "KeyError: 'Jane'",
        ),
    ],
)
def test_what_is_not_worded_by_us_is_shown_with_phi_only(error, plain, full):
    assert error_message(error, "case-0001") == plain
    assert error_message(error, "case-0001", include_phi=True) == full
