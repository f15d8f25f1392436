"""Adaptive selection of slices and frames for MONAI: choose k of D slices for this very input, see only those."""

__version__ = "0.1.0"

__all__ = ["__version__"]
