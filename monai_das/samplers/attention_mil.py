"""DASAttentionMILSampler: attention-based multiple-instance learning, cut to k slices afterwards."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.selection import Selection, new_selection, one_hot_rows, real_slices, slice_mask
from monai_das.samplers.slice_context import gated_attention
from monai_das.samplers.slice_reader import SliceReader


class DASAttentionMILSampler(Sampler):
    """Attend to all slices in ``train()``; in ``eval()`` keep the k slices of the highest attention.

    Each slice gets a logit ``w . (tanh(V h) * sigmoid(U h))`` from its own features h. With ``DASGatedAggregation``
    their softmax weighs the slices' features: in ``train()`` that is attention-based multiple-instance learning over
    the full sequence; in ``eval()`` it keeps the k slices of the highest attention, without further training.

    Cost: training runs the backbone on all D slices in every epoch, ``D / k`` times as many as a method that starts at
    k. With ``encoder`` the logits come from the features of a 2-D network; if that is the backbone itself (in a config:
    ``"encoder": "@network_def#backbone"``), this is the source's method. Then *inference* also runs the backbone on all
    D thumbnails: it saves reading, but no compute. Without ``encoder`` a small reader of thumbnails gives the features:
    choosing is cheap, but training still costs the full sequence.

    Deviations from the source: features of thumbnails, which are the slices only where ``thumbnail_size`` is the size
    of the slices; with the backbone as encoder they are computed twice, once to score and once to classify.

    Args:
        num_slices, fraction: the budget in ``eval()``, see :class:`Sampler`; ``widening`` has no effect.
        encoder: 2-D network ``(N, C, h, w) -> (N, F)``, or None.
        num_features: F of the encoder, or the width of the reader.
        hidden: width of the attention.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` of D rows in
          ``train()`` and k in ``eval()``; scores are the attention's logits.

    References:
        Ilse, Tomczak, Welling, *Attention-based Deep Multiple Instance Learning*, ICML 2018, arXiv 1802.04712.

    Example:
        >>> sampler = DASAttentionMILSampler(num_slices=4)
        >>> volume = torch.rand(2, 1, 8, 8, 28)
        >>> [sampler.train(mode)(volume).indices.size(1) for mode in (True, False)]
        [28, 4]
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        encoder: nn.Module | None = None,
        num_features: int = 32,
        hidden: int = 128,
    ) -> None:
        super().__init__(num_slices, fraction)
        self.reader: nn.Module = SliceReader(num_features) if encoder is None else SliceByEncoder(encoder)
        self.value = nn.Linear(num_features, hidden)
        self.gate = nn.Linear(num_features, hidden)
        self.weight = nn.Linear(hidden, 1)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Keep all slices in ``train()``, and the k slices of the highest attention in ``eval()``."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        features = self.reader(thumbnails, real)
        scores = gated_attention(
            self.value(features), self.gate(features), self.weight.weight, self.weight.bias
        ).float()
        chosen = self.top(scores, scores, lengths)
        if not self.training:
            return chosen
        kept = slice_mask(real, depth)
        indices = torch.minimum(torch.arange(depth, device=real.device)[None, :], real[:, None] - 1)
        return new_selection(one_hot_rows(indices, kept, depth), indices, kept, chosen.scores)


class SliceByEncoder(nn.Module):
    """Features of every slice by a 2-D network.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)``, real slices; in ``train()`` the network sees no
          padded slice, which would change its batch norms.
        - returns ``(B, D, F)`` float32.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, thumbnails: Tensor, lengths: Tensor) -> Tensor:
        """Return the features."""
        batch, depth = thumbnails.size(0), thumbnails.size(4)
        images = thumbnails.float().permute(0, 4, 2, 3, 1).clone(memory_format=torch.contiguous_format).flatten(0, 1)
        images = images.permute(0, 3, 1, 2)
        if not self.training:
            table: Tensor = self.encoder(images).float()
            return table.reshape(batch, depth, -1)
        real = slice_mask(lengths, depth).flatten()
        features: Tensor = self.encoder(images[real]).float()
        whole = torch.zeros(batch * depth, features.size(1), device=features.device)
        whole[real] = features
        return whole.reshape(batch, depth, -1)
