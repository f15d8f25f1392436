"""MONAI transforms that bring the slices to the last axis and keep some of them."""

from monai_das.transforms.select_slices import SelectSlices, SelectSlicesd
from monai_das.transforms.slice_axis import SliceAxis, SliceAxisd, source_slice_indices

__all__ = ["SelectSlices", "SelectSlicesd", "SliceAxis", "SliceAxisd", "source_slice_indices"]
