import subprocess
import sys

import pytest

import monai_das
from monai_das.cli import main


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


def test_help_comes_without_loading_torch():
    code = "import sys; from monai_das.cli import build_parser; build_parser(); print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
