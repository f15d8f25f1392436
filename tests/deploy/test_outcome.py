import json

from monai_das.data import Finding, PassedOver
from monai_das.deploy.outcome import DeployOutcome


def test_a_bad_case_is_written_down_and_the_next_goes_on(tmp_path, caplog):
    outcome = DeployOutcome()
    with outcome.of("case-001", "1.2.3"):
        raise ValueError(Finding("two echoes"))
    with outcome.of("case-002", "1.2.4"):
        pass

    outcome.write(tmp_path)

    expected = {"errors": [{"case": "case-001", "error": "series 1.2.3: ValueError: two echoes"}]}
    assert json.loads((tmp_path / "errors.json").read_text(encoding="utf-8")) == expected
    assert "case-001: series 1.2.3: ValueError: two echoes" in caplog.text


def test_what_was_passed_over_is_written_down(tmp_path):
    DeployOutcome(passed_over=[PassedOver(1, "PDF", 2, ("a",))]).write(tmp_path)

    expected = {"errors": [], "passed_over": [{"input": 1, "format": "PDF", "count": 2}]}
    assert json.loads((tmp_path / "errors.json").read_text(encoding="utf-8")) == expected


def test_a_good_run_removes_the_errors_of_an_older_one(tmp_path):
    (tmp_path / "errors.json").touch()

    DeployOutcome().write(tmp_path)

    assert not (tmp_path / "errors.json").exists()
