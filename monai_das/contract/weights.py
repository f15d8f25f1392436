"""The terms that weights hold: made from a bundle, compared with its metadata, and written into weights of before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_das._atomic import atomic_path
from monai_das.contract.terms import Contract, class_names
from monai_das.contract.training_cases import FEATURES, TRAINING, TrainingCases
from monai_das.networks.held_terms import NONE_HELD, NUMBERS, HeldTerms, decoded_terms, other_values

# other values give other numbers, or other names to them: refused. All other fields are notes: warned of
REFUSED = (
    "classes", "channels", "slice_axis", "intensity", "modality", "body_part", "dicom_attributes", "values", "slices",
    "spacing",
)  # fmt: skip
NOTES = ("num_slices", "threshold", "class_codes", "intended_use", "license", "version")
KEY, SIZE_KEY = "contract.text", "thumbnail_side"


def weight_terms(
    metadata: Mapping[str, Any],
    num_classes: int | None = None,
    classes: Sequence[str] | None = None,
    **changed: Any,
) -> dict[str, Any]:
    """Return what weights hold of the contract in ``metadata``, for the argument ``contract`` of a network.

    Args:
        metadata: content of a bundle's ``metadata.json``.
        num_classes: of the network, to be compared with the names.
        classes: their names instead of the ones in ``metadata``. Without these, classes that ``metadata`` do not name,
            one for one, are called by their numbers.
        changed: other fields of :class:`Contract` that a config changes, such as ``thumbnail_size``.

    Raises:
        ValueError: there are not as many names as classes; or see :meth:`Contract.from_metadata`.
    """
    if classes is None and num_classes not in (None, len(class_names(metadata))):
        classes = [f"class {number}" for number in range(num_classes or 0)]
    if classes is not None:
        changed["classes"] = list(classes)
        if tuple(classes) != class_names(metadata):
            changed.setdefault("threshold", None)  # that of the metadata parts the classes they name
    contract = Contract.from_metadata(metadata, **changed)
    if num_classes not in (None, len(contract.classes)):
        raise ValueError(
            f"num_classes is {num_classes}, but {len(contract.classes)} classes have names: "
            f"{', '.join(contract.classes)}; give --num_classes {len(contract.classes)}, or name all by class_names"
        )
    return terms_of(contract)


def terms_of(contract: Contract, training: TrainingCases | None = None) -> dict[str, Any]:
    """Return the terms of ``contract`` in the form in which weights hold them."""
    plain = contract.as_dict()
    terms = {NUMBERS: {name: plain[name] for name in REFUSED}, "notes": {name: plain[name] for name in NOTES}}
    return terms if training is None else {**terms, TRAINING: training.as_dict()}


def check_weights(contract: Contract, held: Mapping[str, Any], thumbnail_size: int) -> tuple[str, ...]:
    """Return warnings: a line for each note of ``contract`` that the weights hold otherwise.

    Args:
        contract: of the bundle.
        held: terms of its weights.
        thumbnail_size: of its weights.

    Raises:
        ValueError: the weights hold no terms, or another value of a field that changes numbers; each is named with
            both values.
    """
    if not held.get(NUMBERS):
        raise ValueError(NONE_HELD)
    own = terms_of(contract)
    refused = other_values(
        {**held[NUMBERS], "thumbnail_size": thumbnail_size},
        {**own[NUMBERS], "thumbnail_size": contract.thumbnail_size},
    )
    if refused:
        raise ValueError("; ".join(refused))
    return tuple(other_values(held.get("notes", {}), own["notes"]))


def training_cases(held: Mapping[str, Any]) -> TrainingCases | None:
    """Return the training cases that the terms of weights describe; None without, or where other numbers do so."""
    found = TrainingCases.from_dict(held[TRAINING]) if held.get(TRAINING) else None
    return None if found is None or len(found.mean) != FEATURES else found


def terms_in(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the terms in the state dict ``state``; an empty dictionary where there are none."""
    return decoded_terms(state.get(KEY))


def write_terms(
    weights: str | PathLike[str], metadata: Mapping[str, Any], training: TrainingCases | None = None
) -> None:
    """Write the contract in ``metadata`` into the file ``weights``, a state dict; all other tensors stay as they are.

    For weights that were trained without a contract, once you know that they belong to ``metadata``. What they hold of
    their training cases stays where ``training`` is None.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the thumbnail size of the weights is not that of ``metadata``; or see
            :meth:`Contract.from_metadata`.
    """
    file = Path(weights)
    state = torch.load(file, map_location="cpu", weights_only=True)
    contract = Contract.from_metadata(metadata)
    size = int(state[SIZE_KEY]) if SIZE_KEY in state else contract.thumbnail_size
    if size != contract.thumbnail_size:
        raise ValueError(f"{file} was made with thumbnail_size={size}, the metadata say {contract.thumbnail_size}")
    held = HeldTerms(terms_of(contract, training or training_cases(terms_in(state))))
    state[SIZE_KEY] = torch.tensor(size)
    state[KEY] = held.text
    with atomic_path(file) as part:
        torch.save(state, part)
        part.chmod(file.stat().st_mode)
