"""The graph of operators: load, select, read and classify lazily, write. Imports the SDK: see :mod:`.libraries`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from monai.deploy.conditions import CountCondition
from monai.deploy.core import AppContext, Application, init_app_context
from monai.deploy.operators import DICOMDataLoaderOperator, DICOMSeriesSelectorOperator

from monai_das.data import CaseKey
from monai_das.deploy.operators import DASBundleOperator, DASReportOperator, DASSeriesOperator
from monai_das.deploy.outcome import DeployOutcome
from monai_das.deploy.run import DeploySettings, model_file
from monai_das.inference import Predictor

__all__ = ["DASDeployApplication", "DeployPaths", "init_app_context", "run_application"]


class DeployPaths(NamedTuple):
    """The folders of the study, of the reports, and an empty one for links."""

    study: Path
    reports: Path
    scratch: Path


class DASDeployApplication(Application):  # type: ignore[misc]
    """For each series of a study that ``rules`` select: select slices, predict, and write SR, KOS and JSON.

    Args:
        paths: where the study is, where results go, and an empty folder for links to the selected files.
        rules: selections as JSON text.
        predictor: the model, with the key that names the cases.
        outcome: collects what went wrong.
        settings: which series and volumes to take.

    Raises:
        ValueError: ``predictor`` has no key.
    """

    def __init__(
        self, paths: DeployPaths, rules: str, predictor: Predictor, outcome: DeployOutcome, settings: DeploySettings
    ) -> None:
        self.paths = paths
        self.rules = rules
        self.predictor = predictor
        if predictor.case_key is None:
            raise ValueError("the predictor has no case_key to name cases by; give Predictor one")
        self.case_key = predictor.case_key
        self.outcome = outcome
        self.settings = settings
        super().__init__(["python", "deploy_app"])

    def compose(self) -> None:
        """Build the graph."""
        folder = self.paths.study
        loaded = DICOMDataLoaderOperator(
            self, CountCondition(self, 1), input_folder=folder, must_load=False, name="load"
        )
        selected = DICOMSeriesSelectorOperator(self, rules=self.rules, all_matched=True, name="select")
        series = DASSeriesOperator(
            self,
            input_folder=folder,
            scratch=self.paths.scratch,
            case_key=self.case_key,
            outcome=self.outcome,
            chosen=self.settings.series,
            name="series",
        )
        choose, outcome = self.settings.choose, self.outcome
        bundle = DASBundleOperator(self, predictor=self.predictor, outcome=outcome, choose=choose, name="bundle")
        report = DASReportOperator(self, output_folder=self.paths.reports, outcome=self.outcome, name="report")
        self.add_flow(loaded, selected, {("dicom_study_list", "dicom_study_list")})
        self.add_flow(selected, series, {("study_selected_series_list", "study_selected_series_list")})
        self.add_flow(series, bundle, {("cases", "cases")})
        self.add_flow(bundle, report, {("results", "results")})


def run_application(context: AppContext, rules: str, scratch: Path, case_key: CaseKey, settings: DeploySettings) -> int:
    """Run the application once; return the number of failures. Each failure is in the log and in ``errors.json``."""
    file = model_file(Path(context.model_path))
    predictor = Predictor(
        file,
        case_key=case_key,
        accept_any_input=settings.accept_any_input,
        runtime=settings.runtime,
        graphs=settings.graphs,
    )
    outcome = DeployOutcome()
    paths = DeployPaths(Path(context.input_path), Path(context.output_path), scratch)
    DASDeployApplication(paths, rules, predictor, outcome, settings).run()
    outcome.write(Path(context.output_path))
    return len(outcome.errors)
