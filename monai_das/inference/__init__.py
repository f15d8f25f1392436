"""Run a bundle on a file or folder: a :class:`CaseResult`, or a transform that reads only the selected slices."""

from monai_das.inference.bundle_files import bundle_files, bundle_metadata, packaged_bundle
from monai_das.inference.bundle_model import (
    DASBundleModel,
    bundle_class_names,
    bundle_contract,
    load_bundle_model,
    load_torchscript_model,
    open_bundle,
)
from monai_das.inference.bundle_summary import BundleSummary, summarise_bundle
from monai_das.inference.bundle_writer import DASBundleWriter
from monai_das.inference.case_result import (
    RUNTIMES,
    CaseResult,
    CaseTimings,
    DASModelInfo,
    NetworkView,
    SelectedSlice,
)
from monai_das.inference.checks import Check
from monai_das.inference.contract_checks import check_contract
from monai_das.inference.doctor import check_bundle, check_data, check_folder, check_gpu, check_packages
from monai_das.inference.fetch import fetch_bundle
from monai_das.inference.lazy_inferer import DASLazyInferer
from monai_das.inference.load_selected import LoadImageSelectedd
from monai_das.inference.new_project import next_commands, write_project
from monai_das.inference.overrides import unknown_overrides
from monai_das.inference.predictor import Predictor
from monai_das.inference.runtimes import run_by
from monai_das.inference.thumbnail_store import ThumbnailStore
from monai_das.inference.trained_bundle import write_figures

__all__ = [
    "RUNTIMES",
    "BundleSummary",
    "CaseResult",
    "CaseTimings",
    "Check",
    "DASBundleModel",
    "DASBundleWriter",
    "DASLazyInferer",
    "DASModelInfo",
    "LoadImageSelectedd",
    "NetworkView",
    "Predictor",
    "SelectedSlice",
    "ThumbnailStore",
    "bundle_class_names",
    "bundle_contract",
    "bundle_files",
    "bundle_metadata",
    "check_bundle",
    "check_contract",
    "check_data",
    "check_folder",
    "check_gpu",
    "check_packages",
    "fetch_bundle",
    "load_bundle_model",
    "load_torchscript_model",
    "next_commands",
    "open_bundle",
    "packaged_bundle",
    "run_by",
    "summarise_bundle",
    "unknown_overrides",
    "write_figures",
    "write_project",
]
