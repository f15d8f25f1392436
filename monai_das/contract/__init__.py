"""What a bundle accepts and means, stated once in its metadata."""

from monai_das.contract.terms import Contract, class_names

__all__ = ["Contract", "class_names"]
