"""WHICH slices: every sampler turns thumbnails into a Selection."""

from monai_das.samplers.base import Sampler
from monai_das.samplers.selection import Selection, take_slices

__all__ = ["Sampler", "Selection", "take_slices"]
