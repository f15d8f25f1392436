"""A cohort: whatever a case does, it has one row, and whoever does it the row is the same."""

import json
import os
import shutil

import pytest

from monai_das.cli import main
from monai_das.cohort import CohortOptions, Ledger, LocalEngine, read_manifest, run_cohort
from monai_das.cohort.ledger import FACTS, locked
from monai_das.cohort.worker import Job, Worker
from tests.cohort.archive import ENDS, write_manifest
from tests.cohort.conftest import KEY


def options(**changed):
    return CohortOptions(key=KEY, **{"timeout": 5.0, **changed})


def rows(out):
    found = sorted(Ledger(out).rows(FACTS).to_pylist(), key=lambda row: row["case_id"])
    names = [row["case_id"] for row in found]
    assert len(names) == len(set(names))
    return found


@pytest.fixture(scope="module")
def here(healthy, poisoned, tmp_path_factory):
    """The cohort of the healthy studies, done in this process, with reports."""
    out = tmp_path_factory.mktemp("here") / "out"
    assert run_cohort(healthy, poisoned, out, LocalEngine(0), options(reports=("json",))).complete
    return out


def test_poisoned_cases_get_a_row_and_harm_no_other(archive, poisoned, tmp_path):
    summary = run_cohort(archive, poisoned, tmp_path / "out", LocalEngine(2), options())

    found = {row["case_id"]: row for row in rows(tmp_path / "out")}
    assert not summary.missing
    assert not summary.complete
    assert len(found) == 11
    for name, (state, reason) in ENDS.items():
        assert found[name]["state"] == state, name
        assert reason in found.pop(name)["reason"], name
    assert {row["state"] for row in found.values()} == {"done"}
    assert not list((tmp_path / "out" / "open").rglob("*.*"))


def test_every_engine_and_shard_gives_the_same_rows_as_predict(here, healthy, poisoned, tmp_path):
    for number in (1, 0):
        run_cohort(
            healthy, poisoned, tmp_path / "shards", LocalEngine(1), options(shard=(number, 2), reports=("json",))
        )

    assert rows(tmp_path / "shards") == rows(here)
    for row in rows(here):
        result = json.loads((here / row["result_id"] / "result.json").read_text())
        assert {each["name"]: each["probability"] for each in row["probabilities"]} == result["probabilities"]
        assert row["selected_slices"] == [each["index"] for each in result["selected_slices"]]
        assert row["group"] == result["group"]


def test_a_second_run_does_nothing(here, healthy, poisoned):
    before = {path.name: path.read_bytes() for path in (here / "ledger").iterdir()}

    summary = run_cohort(healthy, poisoned, here, LocalEngine(0), options(reports=("json",)))

    assert (summary.new, summary.complete) == (0, True)
    assert {path.name: path.read_bytes() for path in (here / "ledger").iterdir()} == before


def test_kept_thumbnails_give_the_same_rows_for_another_budget(healthy, poisoned, tmp_path):
    kept = {"thumbnails": tmp_path / "thumbnails"}
    run_cohort(healthy, poisoned, tmp_path / "first", LocalEngine(0), options(**kept))
    times = {path: path.stat().st_mtime_ns for path in kept["thumbnails"].iterdir()}

    for out, more in (("with", kept), ("without", {})):
        run_cohort(healthy, poisoned, tmp_path / out, LocalEngine(0), options(num_slices=3, **more))

    assert rows(tmp_path / "with") == rows(tmp_path / "without") != rows(tmp_path / "first")
    assert {path: path.stat().st_mtime_ns for path in kept["thumbnails"].iterdir()} == times


def test_what_failed_is_done_again_when_asked(archive, poisoned, tmp_path):
    out = tmp_path / "out"
    manifest = write_manifest(
        tmp_path / "manifest.csv", [{"case_id": "truncated", "location": archive.parent / "truncated.nii.gz"}]
    )
    assert not run_cohort(manifest, poisoned, out, LocalEngine(0), options()).complete

    assert run_cohort(manifest, poisoned, out, LocalEngine(0), options()).new == 0
    assert run_cohort(manifest, poisoned, out, LocalEngine(0), options(retry_failed=True)).new == 1
    assert [row["state"] for row in rows(out)] == ["failed"]


def test_what_another_number_of_shards_left_is_taken_over(healthy, poisoned, here, tmp_path):
    out, cases = tmp_path / "out", read_manifest(healthy).to_pylist()
    left = Ledger(out, "0-of-2").records
    Worker(Job(poisoned, KEY, out, left, reports=("json",)), watched=False).do(cases[:3])
    (left / "half.begun").touch()
    shutil.copy(here / "run.json", out)

    with locked(out, "0-of-2"), pytest.raises(ValueError, match=r"shard 0/2 of .* is being done by another process"):
        run_cohort(healthy, poisoned, out, LocalEngine(0), options(reports=("json",)))
    run_cohort(healthy, poisoned, out, LocalEngine(0), options(reports=("json",)))

    assert rows(out) == rows(here)
    assert not left.exists()


def test_a_record_that_comes_twice_is_one_row(healthy, poisoned, tmp_path):
    ledger, cases = Ledger(tmp_path), read_manifest(healthy).to_pylist()[:1]
    worker = Worker(Job(poisoned, KEY, tmp_path, ledger.records), watched=False)
    for _ in range(2):
        worker.do(cases)
        ledger.commit()

    assert len(rows(tmp_path)) == 1
    assert len(rows(tmp_path)) == len(ledger.committed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_slices": 2}, "is a cohort by other weights or settings"),
        ({"reports": ()}, "is a cohort by other reports"),
        ({"shard": (2, 2)}, "a shard is i/n with 0 <= i < n, got 2/2"),
    ],
)
def test_another_run_is_refused(here, healthy, poisoned, changed, message):
    with pytest.raises(ValueError, match=message):
        run_cohort(healthy, poisoned, here, LocalEngine(0), options(**{"reports": ("json",), **changed}))


def test_another_key_is_refused(here, healthy, poisoned):
    with pytest.raises(ValueError, match="is a cohort by another case key"):
        run_cohort(healthy, poisoned, here, LocalEngine(0), CohortOptions(reports=("json",)))


def test_a_folder_with_other_things_is_refused(healthy, poisoned, tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ValueError, match="holds no cohort and is not empty; give a new folder"):
        run_cohort(healthy, poisoned, tmp_path, LocalEngine(0), options())


def test_a_shard_has_one_driver(here, healthy, poisoned):
    with locked(here, "0-of-1"), pytest.raises(ValueError, match=r"shard 0/1 of .* is being done by another process"):
        run_cohort(healthy, poisoned, here, LocalEngine(0), options(reports=("json",)))


def test_workers_that_cannot_start_end_the_run(healthy, poisoned, tmp_path, monkeypatch):
    monkeypatch.setattr("monai_das.cohort.engines.MOST_STILLBORN", 1)
    monkeypatch.setattr("monai_das.cohort.engines._serve", os._exit)
    with pytest.raises(RuntimeError, match="1 workers died one after another before they had loaded the model"):
        run_cohort(healthy, poisoned, tmp_path / "out", LocalEngine(1), options())


def test_no_negative_number_of_workers():
    with pytest.raises(ValueError, match="workers must be at least 0, got -1"):
        LocalEngine(-1)


class TestCommand:
    def run(self, *words):
        return main(["cohort", *map(str, words)])

    def test_does_a_cohort_and_continues_it(self, healthy, poisoned, tmp_path, capsys):
        command = (healthy, "-o", tmp_path / "out", "--bundle", poisoned)

        assert [self.run(*command), self.run(*command)] == [0, 0]

        said = capsys.readouterr().out
        assert "8 done; 8 of them now, in" in said
        assert "8 done; 0 of them now, in" in said
        assert json.loads((tmp_path / "out" / "summary.json").read_text())["states"]["done"] == 8
        assert "8 of 8 cases are in the ledger" in (tmp_path / "out" / "summary.html").read_text()

    def test_fails_where_a_case_failed(self, archive, poisoned, tmp_path):
        place = archive.parent / "truncated.nii.gz"
        manifest = write_manifest(tmp_path / "manifest.csv", [{"case_id": "a", "location": place}])
        assert self.run(manifest, "-o", tmp_path / "out", "--bundle", poisoned) == 1

    def test_plans(self, healthy, poisoned, capsys):
        assert self.run(healthy, "--plan", "--bundle", poisoned) == 0
        assert "to do                 8" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "give -o OUT, or --plan"),
            (["-o", "out", "--timeout", "0"], "--timeout must be above 0 seconds, got 0"),
            (["-o", "out", "--max-memory", "0"], "--max-memory must be a number of GiB above 0, got 0"),
            (["-o", "out", "--shard", "2/2"], "must be I/N with 0 <= I < N, got"),
            (["-o", "out", "--workers", "-1"], "workers must be at least 0, got -1"),
            (["-o", "out", "--workers", "0", "--address", "local"], "workers must be at least 1 with Ray, got 0"),
        ],
    )
    def test_says_what_is_wrong(self, healthy, poisoned, words, message, capsys):
        with pytest.raises(SystemExit) as exit_:
            self.run(healthy, "--bundle", poisoned, *words)
        assert exit_.value.code == 2
        assert message in capsys.readouterr().err
