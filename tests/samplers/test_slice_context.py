import pytest
import torch
from torch import nn

from monai_das.samplers.slice_context import SliceAttention, ThumbnailEncoder


def test_every_slice_is_encoded_by_itself() -> None:
    encoder = ThumbnailEncoder(num_features=12, width=8)
    image = torch.randn(2, 1, 9, 14, 5)
    changed = image.clone()
    changed[1, ..., 3] += 1.0

    features, others = encoder(image), encoder(changed)

    assert features.shape == (2, 5, 12)
    differs = (features != others).any(dim=2)
    assert differs.tolist() == [[False] * 5, [False, False, False, True, False]]


def test_a_batch_is_encoded_as_its_cases_are() -> None:
    encoder = ThumbnailEncoder()
    image = torch.randn(3, 1, 28, 28, 4)

    together = encoder(image)

    torch.testing.assert_close(together, torch.cat([encoder(case[None]) for case in image]))


def test_channels_are_averaged_before_encoding() -> None:
    encoder = ThumbnailEncoder()
    image = torch.randn(2, 3, 8, 8, 4)

    torch.testing.assert_close(encoder(image), encoder(image.mean(dim=1, keepdim=True)))


def test_the_border_is_padded_with_zeros_to_blocks_of_eight() -> None:
    encoder = ThumbnailEncoder()
    image = torch.randn(1, 1, 6, 7, 2)

    padded = nn.functional.pad(image, (0, 0, 0, 1, 0, 2))

    torch.testing.assert_close(encoder(image), encoder(padded))


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(3)
    attention = SliceAttention(dim=8, num_heads=2).eval()
    reference = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    reference.in_proj_weight.data = attention.to_qkv.weight.data
    reference.in_proj_bias.data = attention.to_qkv.bias.data
    reference.out_proj.weight.data = attention.out.weight.data
    reference.out_proj.bias.data = attention.out.bias.data
    tokens, lengths = torch.randn(2, 6, 8), torch.tensor([6, 4])
    normed = attention.norm(tokens)

    mixed = attention(tokens, torch.arange(6)[None, :] < lengths[:, None])

    hidden = torch.arange(6)[None, :] >= lengths[:, None]
    wanted = tokens + reference(normed, normed, normed, key_padding_mask=hidden, need_weights=False)[0]
    torch.testing.assert_close(mixed[0], wanted[0])
    torch.testing.assert_close(mixed[1, :4], wanted[1, :4])


def test_padded_slices_are_never_looked_at() -> None:
    attention = SliceAttention(dim=8, num_heads=4)
    tokens = torch.randn(1, 6, 8)
    changed = tokens.clone()
    changed[:, 4:] += 5.0

    mask = torch.arange(6)[None, :] < 4
    one, other = attention(tokens, mask), attention(changed, mask)

    assert torch.equal(one[:, :4], other[:, :4])


def test_the_order_of_slices_means_nothing_to_attention() -> None:
    attention = SliceAttention(dim=8, num_heads=2)
    tokens, order = torch.randn(1, 5, 8), torch.tensor([3, 0, 4, 1, 2])

    mask = torch.ones(1, 5, dtype=torch.bool)

    torch.testing.assert_close(attention(tokens[:, order], mask), attention(tokens, mask)[:, order])


def test_a_width_that_the_heads_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match="dim must be a multiple of num_heads, got dim=10 and num_heads=4"):
        SliceAttention(dim=10, num_heads=4)
