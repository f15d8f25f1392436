"""Write a case as a DICOM Structured Report by TID 1500, with one planar group for each selected slice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_das._optional import require
from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.codes import class_code, own_code, probability_code, procedure_code, scheme_item, score_unit
from monai_das.reports.document import derived_uid, device_context, new_instance, quiet_about_names, write_document
from monai_das.reports.predecessors import Predecessor, predecessors_of
from monai_das.reports.referenced_slices import ReferencedSlice, distinct_headers, referenced_slices
from monai_das.reports.statements import statements

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

# of the sides of a slice: viewers write the numbers to the right of a region, so it lies in the upper left corner
TAG = (0.03, 0.07)


@quiet_about_names()
def write_structured_report(
    result: CaseResult, source: SliceSource, path: Path, predecessors: Sequence[Predecessor] = ()
) -> None:
    """Write ``result`` to ``path`` as a Comprehensive SR by TID 1500.

    Each selected slice is a planar group with its score; the region is a tag in its corner. The group of the highest
    score comes first and also holds the predicted class and the probability of every class, so that viewers open there.
    What is to be said in words follows the groups. The same result gives the same object, see :mod:`.document`.

    Args:
        result: the case, as predicted.
        source: the study of ``result``; patient and study identity come from its headers.
        path: the DICOM file to write.
        predecessors: earlier reports; those of the same series by another model are referred to.

    Raises:
        ImportError: highdicom is not installed (extra ``dicom``).
        ValueError: ``source`` is not DICOM, or not the source of ``result``.
        OSError: ``path`` cannot be written.
    """
    sr = require("highdicom", extra="dicom").sr
    references = referenced_slices(result, source)
    headers = distinct_headers(references)
    ranked = sorted(references, key=lambda each: -each.selected.score)
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=device_context(result)),
        procedure_reported=procedure_code(str(headers[0].get("Modality"))),
        imaging_measurements=[_group(result, each, top=each is ranked[0]) for each in ranked],
    )
    report[0].ContentSequence.extend(
        sr.TextContentItem(own_code(name), words, sr.RelationshipTypeValues.CONTAINS)
        for name, words in statements(result, headers[0])
    )
    document = sr.ComprehensiveSR(
        evidence=headers,
        content=report,
        is_complete=True,
        coding_schemes=[scheme_item()],
        previous_versions=predecessors_of(result, headers, predecessors),
        **new_instance("report", result, headers),
    )
    write_document(document, headers[0], path)


def _group(result: CaseResult, reference: ReferencedSlice, top: bool) -> Any:
    """Return the planar group of one selected slice; the group of the top slice also describes the case."""
    sr = require("highdicom", extra="dicom").sr
    from pydicom.sr.codedict import codes

    model, selected = result.model, reference.selected
    # viewers list the first few numbers beside the slice, and no evaluation
    numbers = [_number(own_code("selection-score"), selected.score, score_unit())]
    evaluations = []
    if top:
        predicted = probability_code(model, result.label_name, predicted=True), result.label_name
        named = [predicted, *((probability_code(model, name), name) for name in result.probabilities)]
        shares = [_number(code, 100.0 * result.probabilities[name], codes.UCUM.Percent) for code, name in named]
        numbers = [shares[0], *numbers, *shares[1:]]
        label = class_code(model, result.label_name)
        evaluations = [sr.QualitativeEvaluation(own_code("predicted-class"), label)]
    noun = "frame" if reference.frames else "slice"
    name = selected.ref.name
    uid = derived_uid("tracking", model.weights_sha256, str(reference.header.SOPInstanceUID), name)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=name),
        referenced_region=_tag(reference),
        finding_type=own_code(f"selected-{noun}"),
        algorithm_id=sr.AlgorithmIdentification(
            model.name, model.version, parameters=[f"weights SHA-256 {model.weights_sha256}{model.run_by}"]
        ),
        measurements=numbers,
        qualitative_evaluations=evaluations,
    )


def _number(name: Code, number: float, unit: Code) -> Any:
    sr = require("highdicom", extra="dicom").sr
    # a decimal string has 16 characters at most
    return sr.Measurement(name=name, value=float(f"{number:.6g}"), unit=unit)


def _tag(reference: ReferencedSlice) -> Any:
    """Return a small square in the corner of the slice, as (column, row) in pixels from the upper left corner.

    It marks the slice and outlines no finding. Groups need a region: OHIF shows none of those that have an image alone.
    """
    sr = require("highdicom", extra="dicom").sr
    start, end = TAG
    corners = np.array([[start, start], [end, start], [end, end], [start, end], [start, start]])
    image = sr.SourceImageForRegion.from_source_image(reference.header, reference.frames)
    size = int(reference.header.Columns), int(reference.header.Rows)
    return sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, corners * size, image)
