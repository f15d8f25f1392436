"""MONAI transforms: move the slice axis last, keep some slices, scale intensities, make thumbnails."""

from monai_das.transforms.flip_shift import DASRandFlipShift
from monai_das.transforms.intensity import DASIntensity, DASScaleIntensityd
from monai_das.transforms.pad_slices import DASCutPaddingd, DASPadCollate
from monai_das.transforms.scale_intensity import DASScaleIntensity
from monai_das.transforms.select_slices import SelectSlices, SelectSlicesd
from monai_das.transforms.slice_axis import SliceAxis, SliceAxisd, source_slice_indices
from monai_das.transforms.slice_verdicts import SliceVerdictsd, verdict_vector
from monai_das.transforms.take_slices import DASRandTakeSlicesd, DASTakeSlicesd
from monai_das.transforms.thumbnails import make_thumbnails

__all__ = [
    "DASCutPaddingd",
    "DASIntensity",
    "DASPadCollate",
    "DASRandFlipShift",
    "DASRandTakeSlicesd",
    "DASScaleIntensity",
    "DASScaleIntensityd",
    "DASTakeSlicesd",
    "SelectSlices",
    "SelectSlicesd",
    "SliceAxis",
    "SliceAxisd",
    "SliceVerdictsd",
    "make_thumbnails",
    "source_slice_indices",
    "verdict_vector",
]
