"""Count how often the header of each file is read."""

from collections import Counter
from pathlib import Path

import pydicom.filereader
import pytest

from monai_das.data.dicom import headers


def counted_header_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """Return a counter by file that goes on counting; a quick look that leaves a file to pydicom is no reading."""
    counts: Counter[Path] = Counter()
    quick, full = headers.quick_header, pydicom.filereader.read_partial

    def read_quickly(path, wanted):
        found = quick(path, wanted)
        if found is not None:
            counts[Path(path).resolve()] += 1
        return found

    def read_fully(stream, *arguments, **options):
        counts[Path(stream.name).resolve()] += 1
        return full(stream, *arguments, **options)

    monkeypatch.setattr(headers, "quick_header", read_quickly)
    monkeypatch.setattr(pydicom.filereader, "read_partial", read_fully)
    return counts
