"""Is an input what a bundle was made for? By its header, its values, and its distance from the training cases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from monai_das.contract.attribute_conditions import compared
from monai_das.contract.dicom_terms import BODY_PARTS, IMAGE_CLASSES, MODALITIES, image_class_name
from monai_das.contract.terms import Contract
from monai_das.contract.training_cases import TrainingCases, case_summary
from monai_das.data.messages import StudyBaseError
from monai_das.data.values import NAMES, described, kinds_of

if TYPE_CHECKING:
    from pydicom import Dataset

    from monai_das.data import SliceSource


class InputRefusedError(StudyBaseError, ValueError):
    """The model was not made for this input; the message says why."""


@dataclass(frozen=True)
class InputVerdict:
    """What the check of an input has found.

    Attributes:
        reasons: why the contract does not accept it.
        unstated: keywords of the DICOM attributes that the contract has conditions on and the input does not state.
        accept_any_input: it was to be classified whatever the contract says.
        distance: Mahalanobis distance of its light features from the training cases; None where it is not known.
        limit: 99.5 % of the training cases lie within it; None where it is not known.
    """

    reasons: tuple[str, ...] = ()
    accept_any_input: bool = False
    distance: float | None = None
    limit: float | None = None
    unstated: tuple[str, ...] = ()

    @property
    def unlike(self) -> bool:
        """Whether the case is unlike the training data."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit

    @property
    def notices(self) -> tuple[str, ...]:
        """What every output of the case must say; empty for an accepted case that is like the training data."""
        found = []
        if self.reasons:
            found.append(f"NOT MADE FOR THIS INPUT ({'; '.join(self.reasons)}), run by --accept-any-input")
        if self.unlike:
            found.append(
                f"UNLIKE THE TRAINING DATA (distance {self.distance:.1f}, 99.5 % of the training cases lie within "
                f"{self.limit:.1f}): do not rely on this answer"
            )
        return tuple(found)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be checked; empty where all was."""
        if not self.unstated:
            return ()
        words = "the contract's conditions on these DICOM attributes were not checked"
        return (f"not stated: {', '.join(self.unstated)}; {words}",)


class InputCheck:
    """Check one input, before the network sees it; only headers and thumbnails are read.

    Args:
        contract: of the bundle.
        training: its training cases; None if its weights do not describe them.
        accept_any_input: note what is wrong instead of raising.

    Attributes:
        verdict: what was found so far.
    """

    def __init__(self, contract: Contract, training: TrainingCases | None, accept_any_input: bool = False) -> None:
        self.contract = contract
        self.training = training
        self.verdict = InputVerdict(accept_any_input=accept_any_input)

    def header(self, source: SliceSource) -> None:
        """Compare Modality, BodyPartExamined, SOP class and the attributes that the contract has conditions on.

        Those of the first slice of a DICOM ``source`` count; other files state none. ``verdict.unstated`` names the
        attributes that it lacks.

        Raises:
            InputRefusedError: the contract does not accept it.
        """
        header = source.pixel_header(0)
        if header is None:
            return
        reasons, conditions = header_reasons(self.contract, header), self.contract.dicom_attributes
        if conditions and (whole := source.header(0)) is not None:
            more, unstated = compared(conditions, whole, source.refs[0].frame)
            reasons += more
            self.verdict = replace(self.verdict, unstated=tuple(unstated))
        self._note(source.name, reasons)

    def pixels(self, source: SliceSource, raw: Tensor, scaled: Tensor, spacing: float | None) -> None:
        """Compare number and distance of slices, the values, and the distance from the training cases.

        Args:
            source: the input.
            raw: its thumbnails ``(C, h, w, D)`` before preprocessing.
            scaled: the same after preprocessing.
            spacing: distance between slices in mm, None where it is not known.

        Raises:
            InputRefusedError: the contract does not accept it.
        """
        exact = source.exact_thumbnails and source.kind != "video"
        reasons = slice_reasons(self.contract, scaled.size(3), spacing)
        self._note(source.name, [*reasons, *value_reasons(self.contract, raw, exact)])
        if self.training is not None:
            distance = self.training.distance(case_summary(scaled))
            self.verdict = replace(self.verdict, distance=distance, limit=self.training.limit)

    def _note(self, name: str, reasons: list[str]) -> None:
        if reasons and not self.verdict.accept_any_input:
            raise InputRefusedError(
                name,
                f"the model was not made for this input: {'; '.join(reasons)}. Give what it was made for, or another "
                "bundle; --accept-any-input classifies it all the same",
            )
        self.verdict = replace(self.verdict, reasons=(*self.verdict.reasons, *reasons))


def header_reasons(contract: Contract, header: Dataset) -> list[str]:
    """Return why ``contract`` does not accept a DICOM object with this ``header``; values that it lacks pass.

    Values that are no terms of the standard are not quoted: they may be anything, a name too.
    """
    found = []
    modality, part, kind = (str(header.get(name) or "") for name in ("Modality", "BodyPartExamined", "SOPClassUID"))
    wanted, parts = contract.modality or (), contract.body_part or ()
    if wanted and modality and modality not in wanted:
        found.append(f"Modality (0008,0060) is {_quoted(modality, MODALITIES)}, {_listed(wanted)} is accepted")
    if parts and part and part.upper() not in parts:
        stated = _quoted(part.upper(), BODY_PARTS)
        found.append(f"BodyPartExamined (0018,0015) is {stated}, {_listed(parts)} is accepted")
    classes = {uid for each in wanted for uid in IMAGE_CLASSES.get(each, ())}
    if kind and kind not in classes and all(each in IMAGE_CLASSES for each in wanted) and wanted:
        found.append(f"SOPClassUID (0008,0016) is {image_class_name(kind)}, no image of {_listed(wanted)}")
    return found


def slice_reasons(contract: Contract, depth: int, spacing: float | None) -> list[str]:
    """Return why ``contract`` does not accept ``depth`` slices with ``spacing`` mm between them."""
    found = []
    if contract.slices and not contract.slices[0] <= depth <= contract.slices[1]:
        found.append(f"{depth} slices, {contract.slices[0]} to {contract.slices[1]} are accepted")
    if contract.spacing and spacing is not None and not contract.spacing[0] <= spacing <= contract.spacing[1]:
        low, high = contract.spacing
        found.append(f"{spacing:.3g} mm between slices, {low:g} to {high:g} mm are accepted")
    return found


def value_reasons(contract: Contract, raw: Tensor, exact: bool = True) -> list[str]:
    """Return why ``contract`` does not accept the values of thumbnails ``raw`` ``(C, h, w, D)``."""
    if contract.values is None or contract.values in kinds_of(raw, exact):
        return []
    return [f"values are {described(raw)}, {NAMES[contract.values]} is accepted"]


def _listed(values: Collection[str]) -> str:
    return " or ".join(values)


def _quoted(value: str, terms: Collection[str]) -> str:
    return value if value in terms else "a value that is no term of the standard"
