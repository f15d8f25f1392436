import json

import pytest

from benchmarks.commands import main
from benchmarks.studies.pictures import run_pictures
from tests.bundle.bundle_runs import BUNDLE


def test_a_montage_costs_little_beside_inference_and_matplotlib():
    report, _ = run_pictures(str(BUNDLE), depth=40, side=256, rounds=3)

    figures = json.loads(report.splitlines()[-1])
    # the promise is a tenth; machines are noisy
    assert figures["montage_of_matplotlib"] < 0.25
    assert figures["montage_of_inference"] < 2.0
    assert figures["page_mb"] < 25


@pytest.mark.parametrize("kept", [True, False])
def test_a_broken_promise_is_an_exit_code(kept, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.studies.pictures.run_pictures", lambda bundle, depth: (f"{bundle} {depth}", kept))

    assert main(["pictures", "--bundle", "here", "--slices", "7"]) == (0 if kept else 1)
    assert capsys.readouterr().out == "here 7\n"
