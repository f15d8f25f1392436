"""Operators that join the SDK's own: thin shells over :mod:`monai_das.inference` and :mod:`monai_das.reports`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.deploy.core import Fragment, Operator, OperatorSpec

from monai_das.data import CaseKey, Finding, open_source
from monai_das.deploy.outcome import DeployOutcome
from monai_das.deploy.series import DeployCase, make_cases, no_series_message, study_files
from monai_das.inference import Predictor
from monai_das.reports import write_reports
from monai_das.reports.results_folder import remove_reports

REPORTS = ("sr", "kos", "json")


class DASSeriesOperator(Operator):  # type: ignore[misc]
    """Turn selected series into cases with all their files, without decoding a pixel or building a volume.

    The SDK's ``DICOMSeriesToVolumeOperator`` is not used: it decodes every slice, does not know clips, and swaps the
    spacings in the affine if pixels are not square.

    Inputs: ``study_selected_series_list``. Outputs: ``cases``, a list of :class:`DeployCase`.
    """

    def __init__(
        self,
        fragment: Fragment,
        *args: Any,
        input_folder: Path,
        scratch: Path,
        case_key: CaseKey,
        outcome: DeployOutcome,
        chosen: str | None,
        **kwargs: Any,
    ) -> None:
        self.input_folder = input_folder
        self.chosen = chosen
        self.scratch = scratch
        self.case_key = case_key
        self.outcome = outcome
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name the ports."""
        spec.input("study_selected_series_list")
        spec.output("cases")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Find the files of the selected series."""
        studies = op_input.receive("study_selected_series_list")
        selected = [str(each.series.SeriesInstanceUID) for study in studies for each in study.selected_series]
        cases: list[DeployCase] = []
        with self.outcome.of("study", ""):
            files = study_files(self.input_folder, self.chosen)
            self.outcome.passed_over = files.passed_over(selected)
            cases = make_cases(selected, files, self.scratch, self.case_key)
            files.check_whole()
            if not cases:
                raise ValueError(Finding(no_series_message(files)))
        op_output.emit(cases, "cases")


class DASBundleOperator(Operator):  # type: ignore[misc]
    """Score the thumbnails of each case, decode the k selected slices and classify them with the TorchScript file.

    The SDK's ``MonaiBundleInferenceOperator`` gives a classifier's probabilities wrong labels and needs the volume.

    Inputs: ``cases``. Outputs: ``results``, a list of (case, :class:`CaseResult`, source).
    """

    def __init__(
        self,
        fragment: Fragment,
        *args: Any,
        predictor: Predictor,
        outcome: DeployOutcome,
        choose: Mapping[str, object],
        **kwargs: Any,
    ) -> None:
        self.choose = choose
        self.predictor = predictor
        self.outcome = outcome
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name the ports."""
        spec.input("cases")
        spec.output("results")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Predict every case."""
        results = []
        for case in op_input.receive("cases"):
            with self.outcome.of(case.case_id, case.series):
                source = open_source(case.path, self.choose)
                results.append((case, self.predictor.predict(source), source))
        op_output.emit(results, "results")


class DASReportOperator(Operator):  # type: ignore[misc]
    """Write SR, KOS and JSON of every result into ``output_folder/<case id>``.

    Inputs: ``results``.
    """

    def __init__(
        self, fragment: Fragment, *args: Any, output_folder: Path, outcome: DeployOutcome, **kwargs: Any
    ) -> None:
        self.output_folder = output_folder
        self.outcome = outcome
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name the port."""
        spec.input("results")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Remove the reports of an older run and write new ones."""
        for older in self.output_folder.glob("case-*"):
            remove_reports(older)
        for case, result, source in op_input.receive("results"):
            with self.outcome.of(result.case_id, case.series):
                written = write_reports(result, source, self.output_folder / result.case_id, REPORTS)
                for kind, message in written.report_errors.items():
                    self.outcome.add(result.case_id, case.series, f"report {kind}: {message}")
