"""Where the key of a user lies, and what commands say of one that is wrong."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from monai_das.cli import main
from monai_das.cli.case_key_option import user_key_file

# as two commands do that are started at once
ENSURE = "from monai_das.data import ensure_case_key; import sys; print(ensure_case_key(sys.argv[1]).patient('4711'))"


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "monai-das" / "case.key"


def predict(tmp_path, *options):
    with pytest.raises(SystemExit) as exit_:
        main(["predict", str(tmp_path / "nowhere.nii"), "-o", str(tmp_path / "out"), *options])
    assert exit_.value.code == 2
    assert not (tmp_path / "out").exists()


def test_the_first_use_makes_the_key_and_the_second_takes_it(config, tmp_path):
    for out in ("first", "second"):
        assert main(["predict", str(tmp_path / "nowhere.nii"), "-o", str(tmp_path / out)]) == 1

    errors = [(tmp_path / out / "errors.json").read_text() for out in ("first", "second")]
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert errors[0] == errors[1]
    assert config.read_text().strip() not in errors[0]


def test_two_processes_at_once_make_one_key(tmp_path):
    command = [sys.executable, "-c", ENSURE, str(tmp_path / "config" / "case.key")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    said = [process.communicate(timeout=120)[0] for process in running]

    assert [process.returncode for process in running] == [0, 0]
    assert said[0] == said[1]
    assert [path.name for path in (tmp_path / "config").iterdir()] == ["case.key"]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("x" * 40, 0o644, "others may read this case key, its mode is 0644; chmod 600 it"),
        ("", 0o600, "a case key has 32 to 4096 bytes, this file has none; restore it from a copy"),
        ("short", 0o600, "this file has 5; restore it from a copy"),
        (None, 0o600, "no such case key; make one: (umask 077; openssl rand -hex 32 > "),
    ],
)
def test_a_key_that_cannot_be_one_exits_with_2(config, tmp_path, capsys, content, mode, message):
    file = tmp_path / "own.key"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)

    predict(tmp_path, "--case-key", str(file))

    assert message in capsys.readouterr().err
    assert not config.exists()


def test_the_environment_names_a_key(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MONAI_DAS_CASE_KEY", str(tmp_path / "own.key"))

    predict(tmp_path, "--include-phi")

    assert "own.key: no such case key" in capsys.readouterr().err
    assert not config.exists()


def test_a_config_folder_that_cannot_be_written_says_what_to_give(config, tmp_path, capsys):
    config.parent.parent.write_text("a file in the way")

    predict(tmp_path, "--include-phi")

    said = capsys.readouterr().err
    assert "case.key: the case key cannot be made (" in said
    assert "give --case-key FILE" in said


def test_without_a_config_folder_it_lies_in_the_home(monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/eva")

    assert user_key_file() == Path("/eva/.config/monai-das/case.key")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "note     case key: {file} is made when cases are first named"),
        ("x" * 40, "ok       case key: {file}; keep a copy, ids of cases depend on it"),
        ("short", "missing  case key: {file}: a case key has 32 to 4096 bytes, this file has 5"),
    ],
)
def test_the_doctor_looks_at_the_key(config, capsys, content, line):
    if content is not None:
        config.parent.mkdir(parents=True)
        config.write_text(content)
        config.chmod(0o600)

    main(["doctor"])

    assert line.format(file=config) in capsys.readouterr().out
