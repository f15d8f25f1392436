from pathlib import Path

import pytest

from monai_das._atomic import atomic_path


def fail_half_way(path: Path):
    with atomic_path(path) as temporary:
        temporary.write_text("half of")
        raise RuntimeError("half")


def test_a_failing_writer_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError, match="half"):
        fail_half_way(tmp_path / "new" / "file.txt")

    assert list((tmp_path / "new").iterdir()) == []


def test_a_failing_writer_leaves_the_older_file(tmp_path):
    (tmp_path / "file.txt").write_text("old")

    with pytest.raises(RuntimeError, match="half"):
        fail_half_way(tmp_path / "file.txt")

    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_reader_never_sees_half_a_file(tmp_path):
    (tmp_path / "file.txt").write_text("old")

    with atomic_path(tmp_path / "file.txt") as temporary:
        temporary.write_text("new")
        before = (tmp_path / "file.txt").read_text()

    assert (before, (tmp_path / "file.txt").read_text()) == ("old", "new")
    assert temporary.suffix == ".txt"
