"""1,000 mutated real files: each gives a result, or a ValueError that names it; scripts/fuzz_readers.py tries more."""

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("av")

from scripts import fuzz_readers
from scripts.fuzz_readers import Opener, drawn, mutated, seeds, try_one


@pytest.fixture(scope="module")
def opener():
    with Opener() as found:
        yield found


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return seeds(tmp_path_factory.mktemp("made"))


# a seed, not hypothesis' own random numbers, of which each takes longer than the fault that it is for
@settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(number=st.integers(0, 1 << 32))
def test_a_mutated_file_is_read_or_refused_by_name(opener, found, tmp_path, number):
    folder, draw = tmp_path / "study-folder", random.Random(number)
    shutil.rmtree(folder, ignore_errors=True)

    place, outcome = try_one(opener, drawn(found, draw), draw, folder, drawn(found, draw))

    assert outcome.kind in ("read", "refused"), f"{place}: {outcome}"


@pytest.mark.parametrize(
    ("reader", "kind"),
    [
        ("forget_the_name", "a message that does not name the file"),
        ("raise_another", "KeyError instead of ValueError"),
        ("hang", "no end within 0.5 s"),
        ("hoard", "more than 2 GiB"),
        ("crash", "the process ended with -6"),
    ],
)
def test_each_fault_of_a_reader_is_found(tmp_path, reader, kind):
    with Opener(f"tests.bad_readers:{reader}") as opener:
        for _ in range(2):
            assert opener.open(tmp_path, 0.5 if reader == "hang" else 30.0).kind == kind


def test_every_mutation_changes_something_and_none_fails(found):
    for number, seed in enumerate(found):
        before = seed.file.read_bytes()
        changed = [mutated(before, random.Random(100 * number + each), before[::-1]) != before for each in range(20)]

        assert sum(changed) >= 10


def test_all_kinds_of_files_are_mutated(found):
    suffixes = {seed.file.suffix for seed in found}

    assert {".nii", ".gz", ".dcm", ".mp4", ".avi", ".mkv", ".gif", ".mgz", ".nrrd", ".mha"} <= suffixes
    assert [seed.file.parent.name for seed in found if seed.beside] == ["CT2"] * 4


def test_the_script_prints_a_summary(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MONAI_DAS_DATA", raising=False)
    arguments = ["--count", "3", "--seed", "5", "--keep", str(tmp_path / "faults")]
    monkeypatch.setattr("sys.argv", ["fuzz_readers.py", *arguments])

    assert fuzz_readers.main() == 0
    assert capsys.readouterr().out.startswith("3 mutations of ")
    assert not Path(tmp_path / "faults").exists()
