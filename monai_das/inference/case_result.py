"""The result of one case, from which every report is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monai_das.contract import InputVerdict
from monai_das.data import SliceRef

# what computes a network, by the name that options and results have for it
RUNTIMES = {"torch": "PyTorch", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class SelectedSlice:
    """One slice that the network saw.

    Attributes:
        ref: its place in the source's own order; if known, SOPInstanceUID or frame, position in mm, time in ms.
        score: the sampler's score; higher is selected first. Scores are comparable only within a case.
    """

    ref: SliceRef
    score: float

    @property
    def index(self) -> int:
        """Place in the source's own order, 0-based."""
        return self.ref.index


@dataclass(frozen=True)
class DASModelInfo:
    """The model of a result: name, version, SHA-256 of its weights file and of its configs, and intended use.

    ``class_codes`` holds standard codes of classes by name, ``threshold`` the probability from which on the second of
    two classes is the answer, as the contract states them. ``modality`` and ``body_part`` are what the model was made
    for, empty where the contract leaves it open. ``runtime`` is what computed the network: ``"torch"``,
    ``"onnx"`` or ``"openvino"``.
    """

    name: str
    version: str
    weights_sha256: str
    intended_use: str = ""
    config_sha256: str = ""
    class_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    threshold: float | None = None
    runtime: str = "torch"
    modality: str = ""
    body_part: str = ""

    @property
    def run_by(self) -> str:
        """What to say of a runtime other than PyTorch after the model's weights, else empty."""
        return "" if self.runtime == "torch" else f", run by {RUNTIMES[self.runtime]}"


@dataclass(frozen=True)
class CaseTimings:
    """Milliseconds of wall time.

    Attributes:
        read: opening the study and reading its headers; reading all and preprocessing where a bundle needs the whole.
        score: making and preprocessing thumbnails, and scoring them.
        decode: reading and preprocessing the selected slices.
        backbone: classifying them.
    """

    read: float
    score: float
    decode: float
    backbone: float

    @property
    def total(self) -> float:
        """The sum of all four, in milliseconds."""
        return self.read + self.score + self.decode + self.backbone


@dataclass(frozen=True)
class NetworkView:
    """What the network saw, scaled to 0-255 by the range of values in the thumbnails.

    Attributes:
        slices: the selected slices in the order of ``CaseResult.selected``, upright, ``(k, rows, columns)`` or
            ``(k, rows, columns, 3)``, uint8.
        pixel_aspect: height of a pixel divided by its width.
    """

    slices: NDArray[np.uint8]
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class CaseResult:
    """The result of one case: the prediction, the selected slices, and where both came from.

    All slice numbers are 0-based and count in the source's own order (for DICOM: along the slice normal; for NIfTI:
    along the file's axis; for a clip: in time), whatever order the network worked in.

    Attributes:
        case_id: name of the case; by :class:`~monai_das.data.CaseKey` the same in every run and project.
        source_kind: ``"nifti"``, ``"dicom_series"``, ``"dicom_multiframe"``, ``"video"``, ``"dicomweb"`` or
            ``"array"``.
        label: class number of the answer: the highest probability, or the model's threshold decides.
        label_name: its name.
        probabilities: by class name, in the order of class numbers; they sum to 1.
        selected: the slices that the network saw, by ascending index of the source.
        scores: of all D slices.
        sampling_indices: the sampling matrix ``(k, D)``, one-hot per row, as the column of each row, in the
            network's order of rows.
        model: the model that gave this result.
        timings: in milliseconds.
        refs: of all D slices, by index.
        axis: which axis of the source (columns, rows, slices) the slices lie along: 2, or another where the model wants
            a plane that was not acquired.
        network_view: what the network saw, for display; comparisons and the JSON leave it out.
        warnings: what a reader should know before sharing this, for instance that text is burned into the pixels.
        group: pseudonym of the patient, as :meth:`monai_das.data.CaseKey.group` has it; None where nobody made one.
        fingerprint: of weights, configs, budget and version of this package, as the predictor has it; None where
            nobody made one.
        name: what the file or address is called, which may identify the patient; None unless that was asked for.
        input: what the check of the input against the model's contract has found.
        notices: what a reader should know before relying on the answer, for instance that the model was not made for
            this input; every report says it.
        thumbnails: what the slices were chosen on: ``"exact"`` thumbnails, ``"reduced"`` ones of coarse JPEG 2000
            levels, or ones that a DICOMweb server has ``"drawn"`` in 8 bits.
        report_errors: why reports of this case could not be written, by their kind.
    """

    case_id: str
    source_kind: str
    label: int
    label_name: str
    probabilities: Mapping[str, float]
    selected: tuple[SelectedSlice, ...]
    scores: tuple[float, ...]
    sampling_indices: tuple[int, ...]
    model: DASModelInfo
    timings: CaseTimings
    refs: tuple[SliceRef, ...] = field(repr=False)
    network_view: NetworkView = field(repr=False, compare=False)
    axis: int = 2
    warnings: tuple[str, ...] = ()
    group: str | None = None
    fingerprint: str | None = None
    name: str | None = None
    input: InputVerdict = field(default_factory=InputVerdict)
    notices: tuple[str, ...] = ()
    thumbnails: str = "exact"
    report_errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The id, and the name if there is one."""
        return self.case_id if self.name is None else f"{self.name} ({self.case_id})"

    @property
    def rule(self) -> str:
        """How the answer follows from the probabilities where it is not the most probable class, else empty."""
        if self.model.threshold is None:
            return ""
        return f"the answer is {list(self.probabilities)[1]} from {self.model.threshold:.1%} on"

    @property
    def total_slices(self) -> int:
        """D, the number of slices of the source."""
        return len(self.scores)
