"""Run a model over an archive: a manifest becomes a ledger, on this machine, on shards, or on a Ray cluster."""

from monai_das.cohort.engines import Engine, LocalEngine, RayEngine
from monai_das.cohort.ledger import Ledger
from monai_das.cohort.manifest import read_manifest
from monai_das.cohort.plan import Block, Plan, plan_cohort
from monai_das.cohort.run import CohortOptions, CohortProgress, CohortSummary, run_cohort

__all__ = [
    "Block",
    "CohortOptions",
    "CohortProgress",
    "CohortSummary",
    "Engine",
    "Ledger",
    "LocalEngine",
    "Plan",
    "RayEngine",
    "plan_cohort",
    "read_manifest",
    "run_cohort",
]
