"""A bundle and a file or folder in, one :class:`CaseResult` out."""

from monai_das.inference.case_result import CasePictures, CaseResult, CaseTimings, DASModelInfo, SelectedSlice
from monai_das.inference.predictor import Predictor

__all__ = ["CasePictures", "CaseResult", "CaseTimings", "DASModelInfo", "Predictor", "SelectedSlice"]
