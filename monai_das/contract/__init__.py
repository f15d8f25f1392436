"""What a bundle accepts and means, stated once in its metadata and held in its weights."""

from monai_das.contract.check import InputCheck, InputRefusedError, InputVerdict
from monai_das.contract.steps import check_steps
from monai_das.contract.terms import Contract, class_names
from monai_das.contract.training_cases import TrainingCases, case_summary
from monai_das.contract.weights import check_weights, terms_in, training_cases, weight_terms, write_terms

__all__ = [
    "Contract",
    "InputCheck",
    "InputRefusedError",
    "InputVerdict",
    "TrainingCases",
    "case_summary",
    "check_steps",
    "check_weights",
    "class_names",
    "terms_in",
    "training_cases",
    "weight_terms",
    "write_terms",
]
