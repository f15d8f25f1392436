"""What one run reads of the disk: every header once, the weights once."""

import io
import os
from collections import Counter
from pathlib import Path

import pytest

from monai_das.cli import main
from monai_das.datasets import write_dicom_series
from tests.data.header_reads import counted_header_reads


@pytest.fixture
def opened(monkeypatch):
    """How often Python opens each file, whoever asks for it."""
    counts = Counter()
    real = io.open

    def counted(file, *arguments, **options):
        if isinstance(file, (str, os.PathLike)):
            counts[Path(file).resolve()] += 1
        return real(file, *arguments, **options)

    monkeypatch.setattr("io.open", counted)
    monkeypatch.setattr("builtins.open", counted)
    return counts


def predict(bundle, folder, reports, *options):
    places = ["--bundle", str(bundle), "-o", str(folder / "out")]

    assert main(["predict", str(folder / "in"), *places, "--report", reports, *options]) == 0


@pytest.mark.parametrize("reports", ["json,png", "json,png,html,slices"])
def test_predict_reads_every_header_once_and_the_weights_once(
    random_bundle, volume, tmp_path, reports, opened, monkeypatch
):
    for number in (1, 2):
        write_dicom_series(volume, tmp_path / "in" / f"series{number}")
    headers = counted_header_reads(monkeypatch)
    opened.clear()

    predict(random_bundle, tmp_path, reports)

    assert headers == {path.resolve(): 1 for path in (tmp_path / "in").rglob("*.dcm")}
    assert opened[(random_bundle / "models" / "model.pt").resolve()] == 1


def test_dicom_reports_read_only_the_headers_of_chosen_slices_again(random_bundle, volume, tmp_path, monkeypatch):
    write_dicom_series(volume, tmp_path / "in")
    headers = counted_header_reads(monkeypatch)

    predict(random_bundle, tmp_path, "kos,sr,sc", "--num-slices", "3")

    assert sorted(headers.values()) == [1] * 9 + [2] * 3
