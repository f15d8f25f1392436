"""Readers correct what the model chose: Label Studio projects, tasks, live predictions, and their verdicts back."""

from monai_das.review.agreement import ReaderAgreement, agreement_between_readers, cohen_kappa, fleiss_kappa
from monai_das.review.answers import exported_verdicts, verdict_agreement, with_images
from monai_das.review.backend import BackendRefusalError, LivePredictions, build_review_backend
from monai_das.review.case_map import mapped_cases
from monai_das.review.client import LabelStudioClient, LabelStudioError
from monai_das.review.labelling import bundle_class_names, labelling_config
from monai_das.review.model_agreement import ModelAgreement, model_agreement
from monai_das.review.project import PushedTasks, ReviewProgress, ensure_project, push_tasks, review_progress
from monai_das.review.tasks import review_tasks, task_prediction
from monai_das.review.verdicts import ReaderVerdict, read_verdicts, verdict_datalist, write_verdicts

__all__ = [
    "BackendRefusalError",
    "LabelStudioClient",
    "LabelStudioError",
    "LivePredictions",
    "ModelAgreement",
    "PushedTasks",
    "ReaderAgreement",
    "ReaderVerdict",
    "ReviewProgress",
    "agreement_between_readers",
    "build_review_backend",
    "bundle_class_names",
    "cohen_kappa",
    "ensure_project",
    "exported_verdicts",
    "fleiss_kappa",
    "labelling_config",
    "mapped_cases",
    "model_agreement",
    "push_tasks",
    "read_verdicts",
    "review_progress",
    "review_tasks",
    "task_prediction",
    "verdict_agreement",
    "verdict_datalist",
    "with_images",
    "write_verdicts",
]
