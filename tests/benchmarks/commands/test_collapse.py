import pytest

from benchmarks.commands import main


@pytest.mark.parametrize(("held", "code"), [(True, 0), (False, 1)])
def test_a_collapse_is_an_exit_code(held, code, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.studies.collapse.run_collapse", lambda root, epochs: (f"{root} for {epochs}", held))

    assert main(["collapse", "--data", "folder", "--epochs", "3"]) == code

    assert capsys.readouterr().out == "folder for 3\n"
