"""The option ``--runtime`` of the sub-commands that run a network."""

from __future__ import annotations

import argparse
from pathlib import Path

NAMES = ("torch", "onnx", "openvino")


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Add ``--runtime``; :func:`kept_graphs` is where its exported networks lie."""
    parser.add_argument(
        "--runtime",
        choices=NAMES,
        default="torch",
        help="what computes the network: PyTorch, ONNX Runtime (extra export) or OpenVINO (extra openvino), both on "
        "the CPU and checked once against PyTorch (default: %(default)s)",
    )


def kept_graphs() -> Path:
    """Return where exported networks are kept for later runs; it may not exist yet."""
    return Path.home() / ".cache" / "monai_das" / "onnx"
