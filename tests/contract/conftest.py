"""Bundles and inputs of the inference tests."""

from tests.data.conftest import edit, make_enhanced
from tests.inference.conftest import nifti, own_bundle, random_bundle, scripted, volume

__all__ = ["edit", "make_enhanced", "nifti", "own_bundle", "random_bundle", "scripted", "volume"]
