"""What a network was made for, held in its weights, so that weights and metadata cannot be mixed up unnoticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

# of one size for all, so that weights of two networks always fit each other and can be averaged
BYTES = 16384
NUMBERS = "numbers"
NONE_HELD = (
    "the weights hold no contract, so nothing says what they were made for: they are older than it, or were trained "
    "without; add it once you are sure, see docs/migration.md"
)


class HeldTerms(nn.Module):
    """JSON in a buffer of bytes, in the state dict of a network: the contract of its weights.

    Loading weights with another value under ``"numbers"`` is an error that names the field and both values. A network
    without terms of its own takes those of the weights, and weights without terms fit it.

    Args:
        terms: what :func:`monai_das.contract.weight_terms` returns; None for a network that is made for no bundle.

    Raises:
        ValueError: the terms are longer than 16384 bytes as JSON.

    Example:
        >>> held, weights = HeldTerms({"numbers": {"classes": ["a", "b"]}}), HeldTerms({"numbers": {"classes": ["b"]}})
        >>> held.load_state_dict(weights.state_dict())  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
            ...
        RuntimeError: Error(s) in loading state_dict for HeldTerms:
            classes: the weights were made with ["b"], the bundle or config says ["a", "b"]
    """

    def __init__(self, terms: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.register_buffer("text", torch.zeros(BYTES, dtype=torch.uint8))
        if terms is not None:
            self.write(terms)

    @torch.jit.unused
    def read(self) -> dict[str, Any]:
        """Return the terms; an empty dictionary where there are none."""
        return decoded_terms(torch.as_tensor(self.text))

    @torch.jit.unused
    def write(self, terms: Mapping[str, Any]) -> None:
        """Hold ``terms`` instead, in the same memory."""
        content = json.dumps(terms, sort_keys=True, separators=(",", ":")).encode()
        if len(content) > BYTES:
            raise ValueError(
                f"a contract must have at most {BYTES} bytes as JSON, got {len(content)}; shorten its texts"
            )
        text = torch.as_tensor(self.text)
        text.zero_()
        text[: len(content)] = torch.tensor(list(content), dtype=torch.uint8)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        key, own = f"{prefix}text", self.read()
        stored = state_dict.get(key)
        refused = [] if not own.get(NUMBERS) else _refused(decoded_terms(stored), own)
        args[-1].extend(refused)
        if stored is None or refused:
            state_dict = {**state_dict, key: self.text}
        super()._load_from_state_dict(state_dict, prefix, *args)


def decoded_terms(text: Tensor | None) -> dict[str, Any]:
    """Return the terms that a buffer of bytes holds; an empty dictionary where there are none, or no terms."""
    if text is None or text.dtype != torch.uint8:
        return {}
    try:
        content = json.loads(bytes(text.cpu().tolist()).rstrip(b"\0") or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def other_values(held: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """Return a line for each field of ``own`` that weights ``held`` with another value, or not at all."""
    return [
        f"{name}: the weights were made with {_text(held.get(name))}, the bundle or config says {_text(own[name])}"
        for name in own
        if _text(held.get(name)) != _text(own[name])
    ]


def _refused(held: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    return other_values(held[NUMBERS], own.get(NUMBERS, {})) if held.get(NUMBERS) else [NONE_HELD]


def _text(value: Any) -> str:
    # MONAI's configs write :: for # in every text
    return json.dumps(value, sort_keys=True, ensure_ascii=False).replace("#", "::")
