"""Run a bundle on a file or folder and return a :class:`CaseResult`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from monai_das import __version__
from monai_das.contract import InputCheck
from monai_das.data import CaseKey, SliceRef, SliceSource, open_source, unchanged
from monai_das.inference.bundle_model import DASBundleModel, load_torchscript_model, open_bundle
from monai_das.inference.case_result import CaseResult, CaseTimings, SelectedSlice
from monai_das.inference.lazy_reading import LoadedSelection, SliceSelector
from monai_das.inference.pictures import network_view
from monai_das.inference.runtimes import run_by
from monai_das.inference.thumbnail_store import ThumbnailStore
from monai_das.metrics import answers
from monai_das.samplers import Selection


class Predictor:
    """Run the trained bundle ``bundle_dir`` on studies, one at a time.

    A bundle is a program: MONAI's config language runs code. Look into one of unknown origin by ``monai-das info``, or
    :func:`~monai_das.inference.summarise_bundle`, which run nothing of it.

    The sampler scores thumbnails of all slices, once. The backbone classifies the k selected slices, once. Only these
    are read at full size, unless the bundle's transforms need the whole study: see
    ``monai_das.inference.lazy_reading``. For a network with one channel, colour becomes luminance,
    ``0.299 R + 0.587 G + 0.114 B`` (Rec. 601).

    Args:
        bundle_dir: folder with ``configs/inference.json``, ``configs/metadata.json`` and ``models/model.pt``; a zip
            of one; or a TorchScript ``.ts``. :func:`~monai_das.inference.packaged_bundle` is the package's own.
        device: ``"cpu"`` or ``"cuda"``.
        num_slices: the budget k; by default the bundle's own. It also changes a given ``model``.
        model: instead of ``bundle_dir``, a model from :func:`~monai_das.inference.load_torchscript_model` or
            :func:`~monai_das.inference.open_bundle`.
        case_key: names cases and patients, as the command line does with the key of its user: the same study has the
            same id in every run. Without a key a case is called as its path or as you call it, and has no ``group``.
        accept_any_input: classify what the bundle's contract does not accept, and say so in the result.
        store: keeps thumbnails for later runs.
        runtime, graphs: what computes the network, and where it keeps what it was exported to, see
            :func:`~monai_das.inference.run_by`.

    Raises:
        FileNotFoundError: ``bundle_dir`` is not a bundle or has no weights.
        ValueError: both or neither of ``bundle_dir`` and ``model`` are given; ``num_slices`` is below 1; there is no
            CUDA; the weights do not fit the config; or see :func:`~monai_das.inference.run_by`.

    Example:
        ``Predictor("bundle").predict("case.nii.gz").probabilities``
    """

    def __init__(  # noqa: PLR0913 - what is run, on what, by what
        self,
        bundle_dir: str | PathLike[str] | None = None,
        device: str = "cpu",
        num_slices: int | None = None,
        *,
        model: DASBundleModel | None = None,
        case_key: CaseKey | None = None,
        accept_any_input: bool = False,
        store: ThumbnailStore | None = None,
        runtime: str = "torch",
        graphs: Path | None = None,
    ) -> None:
        if (bundle_dir is None) == (model is None):
            raise ValueError("give bundle_dir or model, one of them")
        if num_slices is not None and num_slices < 1:
            raise ValueError(f"num_slices must be at least 1, got {num_slices}")
        self.device = _checked_device(device)
        opened = model or open_bundle(bundle_dir or ".", self.device)
        self.model: DASBundleModel = run_by(opened, runtime, num_slices, graphs)
        self.num_slices, self.case_key, self.accept_any_input = num_slices, case_key, accept_any_input
        self.store = store
        if num_slices is not None:
            self.model.network.sampler.num_slices = num_slices

    @classmethod
    def from_torchscript(
        cls,
        path: str | PathLike[str],
        device: str = "cpu",
        num_slices: int | None = None,
        case_key: CaseKey | None = None,
        *,
        accept_any_input: bool = False,
    ) -> Predictor:
        """Return a predictor that runs the TorchScript ``path``; see :func:`load_torchscript_model` for the errors."""
        model = load_torchscript_model(path, _checked_device(device))
        return cls(
            device=device, num_slices=num_slices, model=model, case_key=case_key, accept_any_input=accept_any_input
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what decides a result besides the study: weights, configs, budget, what is accepted, version.

        A runtime other than PyTorch is part of it.
        """
        info = self.model.info
        parts = [info.weights_sha256, info.config_sha256, self.num_slices, self.accept_any_input, __version__]
        # the last digits of another runtime are others
        parts += [] if info.runtime == "torch" else [info.runtime]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def predict(
        self, study: str | PathLike[str] | SliceSource, case_id: str | None = None, *, opening_ms: float = 0.0
    ) -> CaseResult:
        """Classify the file or folder ``study``, or an open source.

        Args:
            study: anything that :func:`~monai_das.data.open_source` takes or returns.
            case_id: name of the case; by default its id by ``case_key``, or without one the name of its path, which may
                identify the patient.
            opening_ms: milliseconds spent on opening an open source; they count in the result's timings.

        Raises:
            FileNotFoundError: the path does not exist.
            InputRefusedError: the bundle was not made for this input, and ``accept_any_input`` is not set.
            ValueError: the study is not one stack of slices; its channels do not fit the network; its values are not
                finite; the bundle's transforms drop slices or give no probabilities; one of its files has changed since
                it was opened.
        """
        clock = _Clock(self.device)
        source = study if isinstance(study, SliceSource) else open_source(study)
        with unchanged(source.files, source.versions):
            return self._predicted(source, case_id, clock, opening_ms)

    def _predicted(self, source: SliceSource, case_id: str | None, clock: _Clock, opening_ms: float) -> CaseResult:
        if self.num_slices is not None:
            # more rows than slices would only be masked, and take memory
            self.model.network.sampler.num_slices = min(self.num_slices, len(source))
        contract = self.model.contract
        check = InputCheck(contract, self.model.training, self.accept_any_input)
        check.header(source)
        loaded, logits = self._classified(source, check, clock)
        read, *others = clock.laps
        selection = _SelectionInSource(loaded.selection, loaded.refs)
        probabilities = self.model.probabilities(logits[0])
        label = int(answers(np.array([probabilities]), contract.threshold)[0])
        return CaseResult(
            case_id=self._case_id(source) if case_id is None else case_id,
            source_kind=source.kind,
            label=label,
            label_name=contract.classes[label],
            probabilities=dict(zip(contract.classes, probabilities, strict=True)),
            selected=selection.selected,
            scores=selection.scores,
            sampling_indices=selection.rows,
            model=self.model.info,
            timings=CaseTimings(read + opening_ms, *others),
            refs=tuple(loaded.refs[place] for place in selection.order),
            axis=int(loaded.placed.meta.get("slice_axis", 2)),
            network_view=network_view(
                loaded.slices[0].cpu()[..., selection.shown_rows],
                loaded.overview.cpu(),
                np.asarray(loaded.placed.affine, dtype=np.float64),
                source.affine is not None,
            ),
            warnings=(*source.warnings, *check.verdict.warnings),
            thumbnails="exact" if source.exact_thumbnails else "drawn" if source.drawn else "reduced",
            fingerprint=self.fingerprint,
            group=None if self.case_key is None else self.case_key.group(source),
            input=check.verdict,
            notices=(*check.verdict.notices, *self.model.warnings),
        )

    def _classified(self, source: SliceSource, check: InputCheck, clock: _Clock) -> tuple[LoadedSelection, Tensor]:
        """Return the selected slices of ``source`` and their logits ``(1, num_classes)``."""
        model = self.model
        channels = model.contract.channels
        select = SliceSelector(
            model.network,
            model.preprocessing,
            channels=channels,
            inspect=check.pixels,
            store=self.store,
            lap=clock.lap,
        )
        loaded = select(source)
        with torch.inference_mode():
            logits = model.network.classify(loaded.slices, loaded.selection)
        clock.lap()
        return loaded, logits

    def _case_id(self, source: SliceSource) -> str:
        return Path(source.name).name if self.case_key is None else self.case_key.case_id(source)


class _SelectionInSource:
    """The selection of one case, in the source's own order of slices.

    Attributes:
        rows: source index of each kept row.
        shown_rows: for each selected slice, its row of the selection.
        order: for each slice of the source, its place in the network's order.
    """

    def __init__(self, selection: Selection, refs: Sequence[SliceRef]) -> None:
        values = selection.scores[0].tolist()
        places = selection.indices[0][selection.kept[0]].tolist()
        self.rows = tuple(refs[place].index for place in places)
        shown = sorted(set(places), key=lambda place: refs[place].index)
        self.shown_rows = [places.index(place) for place in shown]
        self.order = sorted(range(len(refs)), key=lambda place: refs[place].index)
        self.scores = tuple(values[place] for place in self.order)
        self.selected = tuple(SelectedSlice(refs[place], values[place]) for place in shown)


class _Clock:
    """Milliseconds between laps; waits for the device to finish."""

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


def _checked_device(device: str) -> torch.device:
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r}: PyTorch finds no CUDA here; use 'cpu'")
    return torch.device(device)
