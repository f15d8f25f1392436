import numpy as np
import pytest

from benchmarks.engine.results_file import (
    append_result,
    finished_jobs,
    job_name,
    packed_predictions,
    predictions,
    read_results,
)


def test_lines_come_back_in_their_order(tmp_path):
    path = tmp_path / "new" / "runs.jsonl"

    for number in range(3):
        append_result(path, {"job": str(number)})

    assert [line["job"] for line in read_results(path)] == ["0", "1", "2"]
    assert read_results(tmp_path / "absent.jsonl") == []


def test_what_a_killed_writer_left_is_passed_over_and_cut_off(tmp_path):
    path = tmp_path / "runs.jsonl"
    append_result(path, {"job": "a"})
    with path.open("a") as file:
        file.write('{"job": "to')

    before = [line["job"] for line in read_results(path)]
    append_result(path, {"job": "b"})

    assert before == ["a"]
    assert [line["job"] for line in read_results(path)] == ["a", "b"]


def test_finished_jobs_are_found_by_key_or_by_settings(tmp_path):
    path = tmp_path / "runs.jsonl"
    for job, auc in (("abc", 0.5), ({"seed": 1, "task": "needle"}, 0.6), ("abc", 0.7)):
        append_result(path, {"job": job, "auc": auc})

    found = finished_jobs(path)

    assert found["abc"]["auc"] == 0.7
    assert found[job_name({"task": "needle", "seed": 1})]["auc"] == 0.6
    assert finished_jobs(None) == {}


@pytest.mark.parametrize("line", ["no json", "[1]", '{"seed": 1}'])
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "runs.jsonl"
    path.write_text(f'{{"job": "a"}}\n{line}\n')

    with pytest.raises(ValueError, match=r"runs\.jsonl:2: must be a JSON object with a job, got .*; delete the line"):
        read_results(path)


def test_predictions_keep_their_ranking_however_sure_they_are():
    sure = 1.0 - np.array([1e-3, 1e-4, 1e-5, 1e-6, 1e-9, 1e-12])
    tables = np.stack((1.0 - sure, sure), axis=1)

    found, labels = predictions(packed_predictions(tables, np.array([0, 1, 1, 0, 0, 1])))

    assert labels.tolist() == [0, 1, 1, 0, 0, 1]
    assert (np.diff(found[:, 1]) > 0).all()
    np.testing.assert_allclose(found, tables, rtol=2e-2)
