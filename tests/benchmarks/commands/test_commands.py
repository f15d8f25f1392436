"""The command line of the laboratory."""

import re

import pytest

from benchmarks.commands import main

VERBS = ["table", "choice", "policies"]
VERBS += [
    "needle",
    "cost",
    "pictures",
    "looks",
    "collapse",
    "io",
    "scale",
    "thumbnails",
    "input_check",
    "brain_flair",
    "review",
    "readers",
    "active",
    "pages",
]


def test_help_lists_every_verb_with_a_sentence(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])

    listed = re.findall(r"^    (\w+)\s+\w.+", capsys.readouterr().out, flags=re.MULTILINE)
    assert exit_.value.code == 0
    assert listed == VERBS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: VERB"),
        (["interval", "predictions.csv"], "invalid choice: 'interval'"),
        (["needle", "--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got 0"),
        (["needle", "--jobs", "-1"], "argument --jobs: must be a whole number of at least 0, got -1"),
        (["table", "--jobs", "two"], "argument --jobs: must be a whole number of at least 0, got two"),
        (["choice"], "the following arguments are required: --weights"),
        (["review", "absent.json", "--weights", "model.pt"], "absent.json"),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_what_is_wrong(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_data_must_be_named(monkeypatch, capsys):
    monkeypatch.delenv("MONAI_DAS_DATA", raising=False)

    with pytest.raises(SystemExit, match="2"):
        main(["thumbnails"])

    assert "no data; give --data or set MONAI_DAS_DATA" in capsys.readouterr().err
