import errno
from pathlib import Path

import pytest

from monai_das.data import Finding, StudyError
from monai_das.reports.privacy import error_message

ADDRESS = "https://pacs.clinic.org:8042/dicom-web/studies/1.2.3456/series/7.8.9012"


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
