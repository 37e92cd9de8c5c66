"""Bias and activation on CUDA devices: a Triton kernel over dense channels-last memory."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl
from torch import Tensor

BLOCK = 2048


def finish_(x: Tensor, bias: Tensor, slope: float) -> None:
    """Add ``bias``, and multiply by ``slope`` what is negative then, in the memory of ``x``.

    Args:
        x: (N, C, H, W), contiguous as channels-last.
        bias: (C,).
        slope: of negative numbers.
    """
    grid = (triton.cdiv(x.numel(), BLOCK),)
    kernel[grid](x, bias, slope, x.numel(), CHANNELS=x.shape[1], BLOCK=BLOCK)


@triton.jit
def kernel(
    x: tl.tensor, bias: tl.tensor, slope: tl.tensor, count: tl.tensor,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """Grid: blocks of numbers, in the order of memory."""
    start = tl.program_id(0).to(tl.int64) * BLOCK
    own = tl.arange(0, BLOCK)
    inside = own < count - start
    channel = ((start % CHANNELS).to(tl.int32) + own) % CHANNELS  # a division of int64 is slow
    value = tl.load(x + start + own, mask=inside, other=0.0).to(tl.float32)
    value += tl.load(bias + channel).to(tl.float32)
    tl.store(x + start + own, tl.where(value < 0, value * slope, value), mask=inside)
