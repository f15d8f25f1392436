"""Readers correct the model's selection: Label Studio projects, tasks, live predictions, verdicts."""

from monai_das.review.agreement import ReaderAgreement, cohen_kappa, fleiss_kappa
from monai_das.review.answers import exported_verdicts, verdict_agreement, with_images
from monai_das.review.backend import BackendRefusalError, LivePredictions, build_review_backend
from monai_das.review.case_paths import case_paths, studies_by_id
from monai_das.review.client import LabelStudioClient, LabelStudioError
from monai_das.review.consensus import ReaderDisagreement, majority_verdicts
from monai_das.review.datalist import page_verdicts, read_verdicts, write_verdicts
from monai_das.review.fine_tuning import HoldOut, fine_tune, hold_out_of, weights_digest
from monai_das.review.labelling import labelling_config
from monai_das.review.model_agreement import ModelAgreement, model_agreement
from monai_das.review.model_change import ModelChange, held_out_verdicts, model_change
from monai_das.review.ordering import reading_order
from monai_das.review.problems import PulledVerdicts, ReviewProblem, joined_verdicts
from monai_das.review.project import ReviewProgress, ensure_project, review_progress
from monai_das.review.push import PushedTasks, PushOptions, push_results
from monai_das.review.rounds import RoundFolder, open_round
from monai_das.review.serving import impatient_protocol, run_backend
from monai_das.review.verdicts import ReaderVerdict

__all__ = [
    "BackendRefusalError",
    "HoldOut",
    "LabelStudioClient",
    "LabelStudioError",
    "LivePredictions",
    "ModelAgreement",
    "ModelChange",
    "PulledVerdicts",
    "PushOptions",
    "PushedTasks",
    "ReaderAgreement",
    "ReaderDisagreement",
    "ReaderVerdict",
    "ReviewProblem",
    "ReviewProgress",
    "RoundFolder",
    "build_review_backend",
    "case_paths",
    "cohen_kappa",
    "ensure_project",
    "exported_verdicts",
    "fine_tune",
    "fleiss_kappa",
    "held_out_verdicts",
    "hold_out_of",
    "impatient_protocol",
    "joined_verdicts",
    "labelling_config",
    "majority_verdicts",
    "model_agreement",
    "model_change",
    "open_round",
    "page_verdicts",
    "push_results",
    "read_verdicts",
    "reading_order",
    "review_progress",
    "run_backend",
    "studies_by_id",
    "verdict_agreement",
    "weights_digest",
    "with_images",
    "write_verdicts",
]
