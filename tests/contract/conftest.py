"""Bundles and inputs of the inference tests."""

from tests.inference.conftest import nifti, own_bundle, random_bundle, scripted, volume

__all__ = ["nifti", "own_bundle", "random_bundle", "scripted", "volume"]
