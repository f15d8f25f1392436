import json

import pytest

from benchmarks.commands import main
from benchmarks.studies import scale
from benchmarks.studies.io import phantom
from monai_das.datasets import write_dicom_series

pytest.importorskip("pyarrow")


def test_costs_lie_on_a_line_through_two_stacks(monkeypatch, capsys):
    seconds = {256: (10**9, 2.0, 1.0), 512: (3 * 10**9, 4.0, 1.5)}
    monkeypatch.setattr(scale, "_measured", lambda folder, side, depth, rounds: seconds[side])
    monkeypatch.setattr(scale, "throughput", lambda series, workers: (2.0 * workers**0.5, float(workers)))

    assert main(["scale", "--price", "2"]) == 0

    *said, figures = capsys.readouterr().out.splitlines()
    found = json.loads(figures)
    assert found["workers"]["two_over_one"] == pytest.approx(2**0.5)
    assert "two do 2.83: 1.41 times as many" in said[-1]
    first = found["first pass"]
    assert (first["s_per_case"], first["s_per_gb"]) == pytest.approx((1.0, 1.0))
    assert first["core_hours"] == pytest.approx((321_618 + 22_170) / 3600)
    assert found["later passes, thumbnails kept"]["tb"] < first["tb"] / 5


def test_a_stack_is_timed_without_and_with_kept_thumbnails(monkeypatch, tmp_path):
    monkeypatch.setattr(scale, "KEPT", 4)
    size, plain, kept = scale._measured(tmp_path, 32, 20, rounds=1)
    assert size > 20 * 32 * 32 * 2
    assert min(plain, kept) > 0.0


def test_the_throughput_is_that_of_a_real_cohort(tmp_path):
    write_dicom_series(phantom(32, 20), tmp_path / "series")

    rate, at_once = scale.throughput(tmp_path / "series", workers=0, cases=2)
    assert rate > 0.0
    assert 0.5 < at_once <= 1.001


def test_a_cohort_whose_cases_fail_is_no_measurement(tmp_path):
    (tmp_path / "series").mkdir()

    with pytest.raises(RuntimeError, match=r"2 of 2 cases are failed; look at monai-das predict on .*series"):
        scale.throughput(tmp_path / "series", workers=0, cases=2)
