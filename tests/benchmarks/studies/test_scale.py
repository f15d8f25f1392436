import json

import pytest

from benchmarks.commands import main
from benchmarks.studies import scale


def test_costs_lie_on_a_line_through_two_stacks(monkeypatch, capsys):
    seconds = {256: (10**9, 2.0, 1.0), 512: (3 * 10**9, 4.0, 1.5)}
    monkeypatch.setattr(scale, "_measured", lambda folder, side, depth, rounds: seconds[side])

    assert main(["scale", "--price", "2"]) == 0

    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    first = found["first pass"]
    assert (first["s_per_case"], first["s_per_gb"]) == pytest.approx((1.0, 1.0))
    assert first["core_hours"] == pytest.approx((321_618 + 22_170) / 3600)
    assert found["later passes, thumbnails kept"]["tb"] < first["tb"] / 5


def test_a_stack_is_timed_without_and_with_kept_thumbnails(monkeypatch, tmp_path):
    monkeypatch.setattr(scale, "KEPT", 4)
    size, plain, kept = scale._measured(tmp_path, 32, 20, rounds=1)
    assert size > 20 * 32 * 32 * 2
    assert min(plain, kept) > 0.0
