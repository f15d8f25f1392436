"""Depthwise convolution that trains fast on maps of a few pixels."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

PAIRS = 300


class SmallMapConv2d(nn.Conv2d):
    """A depthwise ``nn.Conv2d`` without bias that is a matrix product per channel where maps are small.

    The last stages of a network of stride 32 see maps of 1 x 1 to 4 x 4 pixels, on which the backward pass of a CPU's
    depthwise convolution takes 70 % of a whole training step. With few pixels every output pixel is a sum over
    all input pixels, so that the kernel becomes a small matrix per channel. The result is the same up to rounding. In
    ``eval()``, in TorchScript and off the CPU it is the plain convolution.

    Args:
        channels: of input and output.
        kernel_size: odd; the padding is half of it.
        stride: of both axes.

    Shape:
        - ``image``: ``(N, channels, H, W)``; returns ``(N, channels, ceil(H / stride), ceil(W / stride))``.
    """

    def __init__(self, channels: int, kernel_size: int, stride: int) -> None:
        super().__init__(channels, channels, kernel_size, stride, kernel_size // 2, groups=channels, bias=False)
        self.step: int = stride
        self.reach: int = kernel_size // 2

    def forward(self, image: Tensor) -> Tensor:
        """Convolve."""
        if not torch.jit.is_scripting() and self.training and image.device.type == "cpu":  # type: ignore[attr-defined]
            rows, columns = image.size(2), image.size(3)
            pairs = rows * columns * -(-rows // self.step) * -(-columns // self.step)
            if pairs <= PAIRS:
                return self.by_matrix(image)
        plain: Tensor = self._conv_forward(image, self.weight, self.bias)
        return plain

    def by_matrix(self, image: Tensor) -> Tensor:
        """Do the same as one product per channel, ``(N, pixels in) @ (pixels in, pixels out)``."""
        number, channels, rows, columns = image.shape
        down, right = -(-rows // self.step), -(-columns // self.step)
        if rows * columns == 1:
            return image * self.weight[None, :, 0, self.reach, self.reach, None, None]
        windows = window_table(rows, columns, self.step, self.reach)
        matrix = (self.weight.flatten(1) @ windows).view(channels, rows * columns, down * right)
        pixels = image.permute(1, 0, 2, 3).reshape(channels, number, rows * columns).contiguous()
        product = torch.bmm(pixels, matrix.to(pixels.dtype))
        if product.requires_grad:
            # without it the backward pass goes channel by channel
            product.register_hook(Tensor.contiguous)  # type: ignore[no-untyped-call]
        return product.permute(1, 2, 0).contiguous().view(number, down, right, channels).permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
def window_table(rows: int, columns: int, step: int, reach: int) -> Tensor:
    """Return ``(kernel pixels, input pixels x output pixels)``: 1 where a kernel pixel joins input to output."""
    vertical, horizontal = (kernel_places(size, step, reach) for size in (rows, columns))
    table = torch.einsum("aij,bkl->abikjl", vertical, horizontal)
    return table.reshape(table.size(0) * table.size(1), -1)


def kernel_places(size: int, step: int, reach: int) -> Tensor:
    """Return ``(kernel, size, out)``: 1 where that place of the kernel lies over the input in the output's window."""
    place = torch.arange(size)[:, None] - step * torch.arange(-(-size // step))[None, :] + reach
    return (torch.arange(2 * reach + 1)[:, None, None] == place).float()
