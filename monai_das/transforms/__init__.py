"""MONAI transforms that bring the slices to the last axis and keep some of them; thumbnails of all slices."""

from monai_das.transforms.select_slices import SelectSlices, SelectSlicesd
from monai_das.transforms.slice_axis import SliceAxis, SliceAxisd, source_slice_indices
from monai_das.transforms.thumbnails import make_thumbnails

__all__ = ["SelectSlices", "SelectSlicesd", "SliceAxis", "SliceAxisd", "make_thumbnails", "source_slice_indices"]
