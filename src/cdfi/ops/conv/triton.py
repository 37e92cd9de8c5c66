"""Bias and activation on CUDA devices: a Triton kernel over dense channels-last memory."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl
from torch import Tensor

BLOCK = 2048  # values per program


def add_bias_act_(x: Tensor, bias: Tensor, slope: float) -> None:
    """Add ``bias``, then multiply negative values by ``slope``, in place.

    Args:
        x: (N, C, H, W), contiguous as channels-last.
        bias: (C,).
        slope: factor of negative values.
    """
    grid = (triton.cdiv(x.numel(), BLOCK),)
    kernel[grid](x, bias, slope, x.numel(), CHANNELS=x.shape[1], BLOCK=BLOCK)


@triton.jit
def kernel(
    x: tl.tensor, bias: tl.tensor, slope: tl.tensor, count: tl.tensor,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """Process a block of values, in the order of memory. Grid: blocks."""
    start = tl.program_id(0).to(tl.int64) * BLOCK
    lane = tl.arange(0, BLOCK)
    inside = lane < count - start
    # Only the block's start is an int64: their division is slow.
    channel = ((start % CHANNELS).to(tl.int32) + lane) % CHANNELS
    value = tl.load(x + start + lane, mask=inside, other=0.0).to(tl.float32)
    value += tl.load(bias + channel).to(tl.float32)
    tl.store(x + start + lane, tl.where(value < 0, value * slope, value), mask=inside)
