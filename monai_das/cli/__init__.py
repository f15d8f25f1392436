"""The command ``monai-das``: one file per sub-command, thin; the work is in the packages."""

from monai_das.cli.main import build_parser, main

__all__ = ["build_parser", "main"]
