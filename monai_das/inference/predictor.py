"""From a file or folder to a :class:`CaseResult`, by a bundle."""

from __future__ import annotations

import time
from os import PathLike
from pathlib import Path

import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_das.data import SliceRef, VolumeCase, plane_refs, read_volume
from monai_das.inference.bundle_model import DASBundleModel, load_bundle_model
from monai_das.inference.case_result import CaseResult, CaseTimings, SelectedSlice
from monai_das.inference.pictures import case_pictures
from monai_das.samplers import Selection, take_slices

LUMINANCE = (0.299, 0.587, 0.114)


class Predictor:
    """Run the trained bundle ``bundle_dir`` on studies, one at a time.

    The sampler scores thumbnails of all slices, the backbone sees the k chosen ones; both happen once. Colour clips
    for a network of one channel are converted to luminance, ``0.299 R + 0.587 G + 0.114 B`` (Rec. 601).

    Args:
        bundle_dir: folder with ``configs/inference.json``, ``configs/metadata.json`` and ``models/model.pt``.
        device: ``"cpu"`` or ``"cuda"``.
        num_slices: the budget k; by default the bundle's own.

    Raises:
        FileNotFoundError: ``bundle_dir`` is no bundle or has no weights.
        ValueError: ``num_slices`` is below 1; CUDA is asked for and not there; config and weights do not fit.

    Example:
        ``Predictor("bundle").predict("case.nii.gz").probabilities``
    """

    def __init__(self, bundle_dir: str | PathLike[str], device: str = "cpu", num_slices: int | None = None) -> None:
        if num_slices is not None and num_slices < 1:
            raise ValueError(f"num_slices must be at least 1, got {num_slices}")
        if torch.device(device).type == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"device {device!r}: PyTorch finds no CUDA here; use 'cpu'")
        self.device = torch.device(device)
        self.model: DASBundleModel = load_bundle_model(Path(bundle_dir), self.device)
        if num_slices is not None:
            self.model.network.sampler.num_slices = num_slices

    def predict(self, path: str | PathLike[str], case_id: str | None = None) -> CaseResult:
        """Classify the NIfTI file, DICOM folder or DICOM file ``path``; ``case_id`` is by default its name.

        Raises:
            FileNotFoundError: ``path`` does not exist.
            ValueError: it cannot be read as one stack of slices; its channels are not the network's, or its values not
                finite; the bundle's transforms drop slices or give no probabilities.
        """
        clock = _Clock(self.device)
        case = read_volume(path)
        volume, placed = self._preprocessed(case, path)
        refs = plane_refs(case.refs, placed) if "slice_axis" in placed.meta else list(case.refs)
        if len(refs) != volume.size(4):
            raise ValueError(f"{path}: {len(refs)} slices became {volume.size(4)}; preprocessing must keep all of them")
        clock.lap()
        network = self.model.network
        with torch.inference_mode():
            selection = network.score(network.thumbnails(volume))
            clock.lap()
            slices = take_slices(volume, selection)
            clock.lap()
            logits = network.classify(slices, selection)
            clock.lap()
        choice = _Choice(selection, refs)
        probabilities = self._probabilities(logits[0])
        label = max(range(len(probabilities)), key=probabilities.__getitem__)
        return CaseResult(
            case_id=Path(path).name if case_id is None else case_id,
            source_kind=case.kind,
            label=label,
            label_name=self.model.classes[label],
            probabilities=dict(zip(self.model.classes, probabilities, strict=True)),
            selected=choice.selected,
            scores=choice.scores,
            sampling_indices=choice.rows,
            model=self.model.info,
            timings=CaseTimings(*clock.laps),
            pictures=case_pictures(volume[0].cpu(), choice.shown, choice.order, placed.affine, case.has_anatomy),
        )

    def _preprocessed(self, case: VolumeCase, path: str | PathLike[str]) -> tuple[Tensor, MetaTensor]:
        """Return the volume ``(1, C, H, W, D)`` on the device, and it again as the last transform with meta left it."""
        image = placed = _with_channels(case.image, self.model.channels, path)
        data = {"image": image}
        for transform in self.model.preprocessing:
            data = transform(data)
            image = data["image"]
            placed = image if isinstance(image, MetaTensor) else placed
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        if not bool(torch.isfinite(plain).all()):
            raise ValueError(
                f"{path}: preprocessing gave NaN or infinite values; replace those in the file by a number"
            )
        return plain[None].to(self.device), placed

    def _probabilities(self, logits: Tensor) -> list[float]:
        """Return the probabilities of ``logits`` ``(num_classes,)`` through the bundle's postprocessing."""
        data = {"pred": logits}
        for transform in self.model.postprocessing:
            data = transform(data)
        values = [float(value) for value in torch.as_tensor(data["pred"]).double().flatten()]
        if len(values) != len(self.model.classes) or not abs(sum(values) - 1.0) < 1e-3:
            raise ValueError(
                f"postprocessing must give {len(self.model.classes)} probabilities, one for each of "
                f"{', '.join(self.model.classes)}, got {values}; end it with Activationsd(softmax=True)"
            )
        return values


class _Choice:
    """A selection of one case in the words of its source.

    Attributes:
        rows: source index of each kept row.
        shown: network's place of each selected slice.
        order: network's place of each slice, in source order.
    """

    def __init__(self, selection: Selection, refs: list[SliceRef]) -> None:
        values = selection.scores[0].tolist()
        places = selection.indices[0][selection.kept[0]].tolist()
        self.rows = tuple(refs[place].index for place in places)
        self.shown = sorted(set(places), key=lambda place: refs[place].index)
        self.order = sorted(range(len(refs)), key=lambda place: refs[place].index)
        self.scores = tuple(values[place] for place in self.order)
        self.selected = tuple(SelectedSlice(refs[place], values[place]) for place in self.shown)


class _Clock:
    """Milliseconds between laps, the device's own work included."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.laps: list[float] = []
        self.start = time.perf_counter()

    def lap(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        self.laps.append(1000.0 * (now - self.start))
        self.start = now


def _with_channels(image: MetaTensor, channels: int, path: str | PathLike[str]) -> MetaTensor:
    """Return ``image`` ``(C, W, H, D)`` with the network's ``channels``; colour becomes luminance for a grey one."""
    if image.size(0) == channels:
        return image
    if channels == 1 and image.size(0) == 3:
        weights = torch.tensor(LUMINANCE, dtype=image.dtype)[:, None, None, None]
        return MetaTensor((image * weights).sum(dim=0, keepdim=True))
    raise ValueError(f"{path}: {image.size(0)} channels, the bundle's network expects {channels}; convert it first")
