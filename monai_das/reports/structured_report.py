"""Write a case as a DICOM Structured Report by TID 1500, with one planar group for each selected slice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_das._optional import require
from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.document import device_context, new_instance, own_code, quiet_about_names, write_document
from monai_das.reports.referenced_slices import ReferencedSlice, distinct_headers, referenced_slices

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

# codes of LOINC in CID 100
PROCEDURES = {
    "CT": "CTUnspecifiedBodyRegion",
    "MR": "MRIUnspecifiedBodyRegion",
    "NM": "NMUnspecifiedBodyRegion",
    "PT": "PETUnspecifiedBodyRegion",
}


@quiet_about_names()
def write_structured_report(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write ``result`` to ``path`` as a Comprehensive SR by TID 1500, new at every call.

    Each selected slice is a planar group around the whole image with its score. The group of the highest score comes
    first and also holds the probability of every class and the predicted class, so that viewers open there. Notices are
    evaluations of every group, and texts among the parameters of the algorithm.

    Args:
        result: the case, as predicted.
        source: the study of ``result``; patient and study identity come from its headers.
        path: the DICOM file to write.

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
        procedure_reported=_procedure(str(headers[0].get("Modality"))),
        imaging_measurements=[_group(result, each, top=each is ranked[0]) for each in ranked],
    )
    document = sr.ComprehensiveSR(evidence=headers, content=report, is_complete=True, **new_instance(2))
    write_document(document, headers[0], path)


def _procedure(modality: str) -> Code:
    from pydicom.sr.codedict import codes

    name = PROCEDURES.get(modality)
    found: Code = getattr(codes.LN, name) if name else codes.SCT.ImagingProcedure
    return found


def _group(result: CaseResult, reference: ReferencedSlice, top: bool) -> Any:
    """Return the planar group of one selected slice; the group of the top slice also describes the case."""
    sr = require("highdicom", extra="dicom").sr
    model, selected = result.model, reference.selected
    scores = [_number("selection-score", "Slice selection score", selected.score)]
    evaluations = [
        sr.QualitativeEvaluation(own_code("notice", "Notice"), own_code(f"notice-{place}", notice))
        for place, notice in enumerate(result.notices)
    ]
    if top:
        scores += [
            _number(f"probability-{place}", f"Probability of {name}", value)
            for place, (name, value) in enumerate(result.probabilities.items())
        ]
        label = _class_code(result)
        evaluations += [sr.QualitativeEvaluation(own_code("predicted-class", "Predicted class"), label)]
    noun = "frame" if reference.frames else "slice"
    number = reference.frames[0] if reference.frames else selected.index
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identifier=f"{noun} {number}"),
        referenced_region=_whole_image(reference),
        finding_type=own_code("selected-slice", f"{noun.capitalize()} selected for classification"),
        algorithm_id=sr.AlgorithmIdentification(
            model.name, model.version, parameters=[f"weights SHA-256 {model.weights_sha256}", *result.notices]
        ),
        measurements=scores,
        qualitative_evaluations=evaluations,
    )


def _class_code(result: CaseResult) -> Code:
    """Return the standard code of the predicted class, where the model's contract has one, or our own."""
    from pydicom.sr.coding import Code

    known = result.model.class_codes.get(result.label_name)
    if known is None:
        own: Code = own_code(f"class-{result.label}", result.label_name)
        return own
    return Code(known["value"], known["scheme"], known["meaning"])


def _number(value: str, meaning: str, number: float) -> Any:
    from pydicom.sr.codedict import codes

    sr = require("highdicom", extra="dicom").sr
    # a decimal string has 16 characters at most
    return sr.Measurement(name=own_code(value, meaning), value=float(f"{number:.6g}"), unit=codes.UCUM.NoUnits)


def _whole_image(reference: ReferencedSlice) -> Any:
    """Return the outline of the slice, as (column, row) in pixels from the upper left corner."""
    sr = require("highdicom", extra="dicom").sr
    right, bottom = int(reference.header.Columns), int(reference.header.Rows)
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom], [0, 0]], dtype=float)
    image = sr.SourceImageForRegion.from_source_image(reference.header, reference.frames)
    return sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, corners, image)
