"""Readers correct the model's selection: Label Studio projects, tasks, live predictions, verdicts."""

from monai_das.review.agreement import ReaderAgreement, cohen_kappa, fleiss_kappa
from monai_das.review.answers import exported_verdicts, verdict_agreement, with_images
from monai_das.review.backend import BackendRefusalError, LivePredictions, build_review_backend
from monai_das.review.case_paths import case_paths
from monai_das.review.client import LabelStudioClient, LabelStudioError
from monai_das.review.consensus import ReaderDisagreement, majority_verdicts
from monai_das.review.datalist import page_verdicts, read_verdicts, write_verdicts
from monai_das.review.labelling import labelling_config
from monai_das.review.model_agreement import ModelAgreement, model_agreement
from monai_das.review.ordering import reading_order
from monai_das.review.problems import PulledVerdicts, ReviewProblem, joined_verdicts
from monai_das.review.project import PushedTasks, ReviewProgress, ensure_project, push_tasks, review_progress
from monai_das.review.serving import impatient_protocol, run_backend
from monai_das.review.tasks import review_tasks
from monai_das.review.verdicts import ReaderVerdict

__all__ = [
    "BackendRefusalError",
    "LabelStudioClient",
    "LabelStudioError",
    "LivePredictions",
    "ModelAgreement",
    "PulledVerdicts",
    "PushedTasks",
    "ReaderAgreement",
    "ReaderDisagreement",
    "ReaderVerdict",
    "ReviewProblem",
    "ReviewProgress",
    "build_review_backend",
    "case_paths",
    "cohen_kappa",
    "ensure_project",
    "exported_verdicts",
    "fleiss_kappa",
    "impatient_protocol",
    "joined_verdicts",
    "labelling_config",
    "majority_verdicts",
    "model_agreement",
    "page_verdicts",
    "push_tasks",
    "read_verdicts",
    "reading_order",
    "review_progress",
    "review_tasks",
    "run_backend",
    "verdict_agreement",
    "with_images",
    "write_verdicts",
]
