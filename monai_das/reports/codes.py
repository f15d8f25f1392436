"""The codes of our DICOM objects: the standard's where there is one, else ours, of a private scheme."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from monai_das._optional import require
from monai_das.inference import DASModelInfo

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SCHEME = "99MONAIDAS"
SCHEME_UID = "2.25.198264556566805208478410160648677319848"
SCHEME_NAME = "monai-das; codes of classes hold a hash of model and class"
LONGEST_TEXT = 64
# by their values, which have 16 characters at most; docs/dicom_conformance.md explains each
MEANINGS = {
    "selection-score": "Selection score",
    "predicted-class": "Predicted class",
    "selected-slice": "Slice selected for classification",
    "selected-frame": "Frame selected for classification",
    "model": "Model",
    "source": "Source",
    "intended-use": "Intended use",
    "research-only": "Restriction",
    "notice": "Notice",
    "warning": "Warning",
    "input-check": "Input check",
    "dates": "Dates",
}
# codes of LOINC in CID 100
PROCEDURES = {
    "CT": "CTUnspecifiedBodyRegion",
    "MR": "MRIUnspecifiedBodyRegion",
    "NM": "NMUnspecifiedBodyRegion",
    "PT": "PETUnspecifiedBodyRegion",
}


def own_code(value: str, meaning: str | None = None) -> Code:
    """Return a code of our private scheme; a long ``meaning`` is cut, without one it is that of :data:`MEANINGS`."""
    from pydicom.sr.coding import Code

    code: Code = Code(value, SCHEME, (meaning or MEANINGS[value])[:LONGEST_TEXT])
    return code


def class_code(model: DASModelInfo, name: str) -> Code:
    """Return the standard code of a class, where the model's contract has one, else ours, of this model alone."""
    from pydicom.sr.coding import Code

    known = model.class_codes.get(name)
    if known is None:
        return own_code(f"class-{_mark(model, name)}", name)
    code: Code = Code(known["value"], known["scheme"], known["meaning"])
    return code


def probability_code(model: DASModelInfo, name: str, *, predicted: bool = False) -> Code:
    """Return the name of the probability of a class, or of the predicted one: viewers show names of numbers only."""
    kind, words = ("pred", "Predicted") if predicted else ("prob", "Probability of")
    return own_code(f"{kind}-{_mark(model, name)}", f"{words} {name}")


def score_unit() -> Code:
    """Return the unit of scores: none; UCUM lets it be called by a name, which viewers show instead of 1."""
    from pydicom.sr.coding import Code

    code: Code = Code("{score}", "UCUM", "score")
    return code


def procedure_code(modality: str) -> Code:
    """Return the procedure reported of images of ``modality``."""
    from pydicom.sr.codedict import codes

    name = PROCEDURES.get(modality)
    found: Code = getattr(codes.LN, name) if name else codes.SCT.ImagingProcedure
    return found


def scheme_item() -> Any:
    """Return what identifies our scheme in an object that holds its codes."""
    schemes = require("highdicom.coding_schemes", extra="dicom")
    item = schemes.CodingSchemeIdentificationItem(SCHEME, name=SCHEME_NAME, responsible_organization="monai-das")
    item.CodingSchemeUID = SCHEME_UID
    return item


def _mark(model: DASModelInfo, name: str) -> str:
    """Return eight hexadecimal digits for a class of a bundle, the same in all of its versions."""
    return hashlib.sha256(json.dumps([model.name, name]).encode()).hexdigest()[:8]
