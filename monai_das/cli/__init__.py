"""The command ``monai-das``: one thin file for each sub-command; the other rooms do the work."""

from monai_das.cli.main import build_parser, main

__all__ = ["build_parser", "main"]
