"""The cost volume on CUDA devices: Triton kernels, some neighbouring columns a program.

Tensors are planar (N, C, H, W); float32, float16 and bfloat16 are read as they are, and sums are in
float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

COLUMNS, LANES = 64, 16


def forward(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """The volume (N, D * D, H, W)."""
    batch, channels, height, width = first.shape
    taps = (2 * radius + 1) ** 2
    volume = first.new_empty((batch, taps, height, width))
    forward_kernel[(batch * height, triton.cdiv(width, COLUMNS), taps)](
        *(first.contiguous(), second.contiguous(), volume),
        *(channels, height, width),
        RADIUS=radius,
        COLUMNS=COLUMNS,
    )
    return volume


def backward(grad: Tensor, other: Tensor, radius: int, sign: int) -> Tensor:
    """The gradient of ``first`` (sign 1) or ``second`` (-1); ``other`` is the one it met."""
    batch, channels, height, width = other.shape
    result = torch.empty_like(other, memory_format=torch.contiguous_format)
    grid = (batch * height, triton.cdiv(width, COLUMNS), triton.cdiv(channels, LANES))
    backward_kernel[grid](
        *(grad.contiguous(), other.contiguous(), result),
        *(channels, height, width),
        RADIUS=radius,
        SIGN=sign,
        COLUMNS=COLUMNS,
        LANES=LANES,
    )
    return result


@triton.jit
def forward_kernel(
    first: tl.tensor, second: tl.tensor, volume: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``volume``. Grid: rows of all images, blocks of columns, D * D."""
    n, i = (tl.program_id(0) // height).to(tl.int64), tl.program_id(0) % height
    j = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    d = tl.program_id(2)
    down, across = d // (2 * RADIUS + 1) - RADIUS, d % (2 * RADIUS + 1) - RADIUS
    rows = i + tl.zeros((COLUMNS,), tl.int32)
    above, below, left, right = rows - down, rows + down, j - across, j + across
    inside = (left >= 0) & (left < width) & (right >= 0) & (right < width)
    inside &= (above >= 0) & (above < height) & (below >= 0) & (below < height)
    plane = height * width
    before = first + n * channels * plane + above * width + left
    after = second + n * channels * plane + below * width + right
    total = tl.zeros((COLUMNS,), tl.float32)
    for c in range(channels):
        a = tl.load(before + c * plane, mask=inside, other=0.0).to(tl.float32)
        b = tl.load(after + c * plane, mask=inside, other=0.0).to(tl.float32)
        total += a * b
    taps = (2 * RADIUS + 1) * (2 * RADIUS + 1)
    target = volume + (n * taps + d) * plane + i * width + j
    tl.store(target, total, mask=j < width)


@triton.jit
def backward_kernel(
    grad: tl.tensor, other: tl.tensor, result: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr, SIGN: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Gather what each place met, nothing is scattered. Grid: rows, columns, channels in blocks."""
    n, i = (tl.program_id(0) // height).to(tl.int64), tl.program_id(0) % height
    j = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    rows = i + tl.zeros((COLUMNS,), tl.int32)
    side, plane = 2 * RADIUS + 1, height * width
    of_grad, of_other = grad + n * side * side * plane, other + n * channels * plane
    lanes = (c < channels)[:, None]
    total = tl.zeros((LANES, COLUMNS), tl.float32)
    for d in range(side * side):
        down, right = SIGN * (d // side - RADIUS), SIGN * (d % side - RADIUS)
        row, column = rows + 2 * down, j + 2 * right
        met = (row >= 0) & (row < height) & (column >= 0) & (column < width) & (j < width)
        told = of_grad + d * plane + (i + down) * width + (j + right)
        g = tl.load(told, mask=met, other=0.0).to(tl.float32)
        there = of_other + (c * plane)[:, None] + (row * width + column)[None, :]
        total += g[None, :] * tl.load(there, mask=lanes & met[None, :], other=0.0).to(tl.float32)
    target = result + n * channels * plane + (c * plane)[:, None] + (i * width + j)[None, :]
    tl.store(target, total, mask=lanes & (j < width)[None, :])
