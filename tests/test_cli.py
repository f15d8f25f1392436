import argparse
import subprocess
import sys

import pytest

import monai_das
from monai_das.cli import build_parser, main
from monai_das.cli.main import run_command


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])

    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"monai-das {monai_das.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["predict"], "the following arguments are required: INPUT, -o/--out"),
        (["review"], "the following arguments are required: VERB"),
    ],
)
def test_usage_errors_exit_with_2_and_say_what_is_missing(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


class PanicException(BaseException):
    """As PyO3 raises it: no Exception."""


def failing(error, *, debug=False):
    """Run a command that raises ``error``."""

    def run(arguments):
        raise error

    return run_command(argparse.Namespace(run=run, debug=debug))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("DOE^JANE"), "monai-das: error: unexpected KeyError; --debug shows where"),
        (PanicException("DOE^JANE"), "monai-das: error: unexpected PanicException; --debug shows where"),
        (OSError(28, "No space left on device", "DOE_JANE"), "error: No space left on device; --debug shows where"),
    ],
)
def test_an_unexpected_error_is_one_line_that_names_nobody(capsys, error, line):
    assert failing(error) == 2

    printed = capsys.readouterr().err
    assert printed.endswith(f"{line}\n")
    assert printed.count("\n") == 1
    assert "JANE" not in printed
    with pytest.raises(type(error)):
        failing(error, debug=True)


def test_ctrl_c_is_one_line_and_130(capsys):
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "\nmonai-das: stopped; what is finished stays\n"


@pytest.mark.parametrize(
    ("arguments", "debug"),
    [
        (["predict", "a", "-o", "b"], False),
        (["--debug", "predict", "a", "-o", "b"], True),
        (["predict", "a", "-o", "b", "--debug"], True),
        (["review", "status", "--project", "1", "--debug"], True),
    ],
)
def test_debug_is_an_option_of_every_command(arguments, debug):
    assert build_parser().parse_args(arguments).debug is debug


def test_help_comes_without_loading_torch():
    code = "import sys; from monai_das.cli import build_parser; build_parser(); print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
