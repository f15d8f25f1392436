"""NIfTI files: memory-mapped where they are not compressed, else read whole."""

from monai_das.data.nifti.source import NIfTISource
from monai_das.data.nifti.volume import nifti_volume

__all__ = ["NIfTISource", "nifti_volume"]
