"""NIfTI, Analyze and MGH files: memory-mapped where they are not compressed, else read whole."""

from monai_das.data.nifti.declared import is_compressed
from monai_das.data.nifti.source import NIfTISource
from monai_das.data.nifti.volume import nifti_volume

__all__ = ["NIfTISource", "is_compressed", "nifti_volume"]
