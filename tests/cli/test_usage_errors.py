"""No command names a path in an error, as it was typed or written out, unless ``--include-phi`` is given."""

import argparse

import pytest

from monai_das.cli import build_parser, main

PLANT = "Zq7plant"


def leaves(parser, *words):
    """Yield the words and the parser of every command without commands of its own."""
    below = next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)
    if below is None:
        yield words, parser
        return
    for name, each in below.choices.items():
        yield from leaves(each, *words, name)


COMMANDS = {" ".join(words): parser for words, parser in leaves(build_parser())}


def arguments(parser, place, *, all_paths):
    """Return ``place`` for every argument that takes a path: those that are needed, or all that go together."""
    alone = {id(each) for group in parser._mutually_exclusive_groups for each in group._group_actions[1:]}
    given = []
    for action in parser._actions:
        takes_path = action.type is not None and action.type.__name__ == "Path"
        if not action.option_strings:
            given.append(f"{place}/{action.dest}")
        elif takes_path and (all_paths or action.required) and id(action) not in alone:
            given += [action.option_strings[-1], f"{place}/{action.dest}"]
        elif action.required and action.dest != "help":
            given += [action.option_strings[-1], "1" if action.type is int else "dicom://A@127.0.0.1:1"]
    return given


def said(capsys, *words):
    """Run the command; return its exit code and what it prints."""
    try:
        code = main(words)
    except SystemExit as exit_:
        code = exit_.code
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.fixture(autouse=True)
def no_server(monkeypatch, tmp_path):
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "token")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.mark.parametrize("all_paths", [False, True], ids=["needed", "all"])
@pytest.mark.parametrize("there", [False, True], ids=["missing", "there"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_error_names_what_was_typed(tmp_path, monkeypatch, capsys, command, there, all_paths):
    place = tmp_path / PLANT / "Jane Doe"
    if there:
        place.mkdir(parents=True)
        for action in COMMANDS[command]._actions:
            (place / action.dest).write_bytes(b"no such thing")
    for folder in (place, place.relative_to(tmp_path)):
        monkeypatch.chdir(tmp_path)
        words = [*command.split(), *arguments(COMMANDS[command], folder, all_paths=all_paths)]

        code, printed = said(capsys, *words)

        assert code in (0, 1, 2)
        assert PLANT not in printed
        assert "Doe" not in printed
        assert code == 2 or "usage" not in printed


@pytest.mark.parametrize("command", COMMANDS)
def test_what_does_not_parse_is_not_quoted_where_it_is_a_path(tmp_path, capsys, command):
    path = f"{tmp_path}/{PLANT} Doe"
    words = [*command.split(), *arguments(COMMANDS[command], "x", all_paths=False)]

    for more in ((path, path, path), ("--none", path), (f"--none={path}",), ("--debug=" + path,)):
        _, printed = said(capsys, *words, *more)

        assert PLANT not in printed


def test_with_phi_an_error_says_what_was_typed(tmp_path, capsys):
    code, printed = said(capsys, "info", str(tmp_path / PLANT), "--include-phi")

    assert code == 2
    assert f"{tmp_path / PLANT} is not a bundle" in printed
    assert "--include-phi shows" not in printed


def test_without_phi_it_says_how_to_see_it(tmp_path, capsys):
    code, printed = said(capsys, "evaluate", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))

    assert code == 2
    assert "No such file or directory: 'predictions.csv 1'; --include-phi shows names and paths\n" in printed
