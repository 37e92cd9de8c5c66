"""The cost volume on CUDA devices: Triton kernels; a program computes some adjacent columns.

Tensors are (N, C, H, W), contiguous. float32, float16 and bfloat16 are read as they are, and sums
are in float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import load_float32, row_and_columns

COLUMNS, LANES = 64, 16


def forward(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Return the volume (N, D * D, H, W)."""
    batch, channels, height, width = features0.shape
    taps = (2 * radius + 1) ** 2
    volume = features0.new_empty((batch, taps, height, width))
    forward_kernel[(batch * height, triton.cdiv(width, COLUMNS), taps)](
        *(features0.contiguous(), features1.contiguous(), volume),
        *(channels, height, width),
        RADIUS=radius,
        COLUMNS=COLUMNS,
    )
    return volume


def backward(grad: Tensor, other: Tensor, radius: int, sign: int) -> Tensor:
    """Return the gradient of ``features0`` (sign 1) or ``features1`` (-1).

    Args:
        grad: (N, D * D, H, W), the gradient of the volume.
        other: (N, C, H, W), the features whose gradient is not computed.
        radius: as in :func:`forward`.
        sign: 1 or -1.
    """
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
    features0: tl.tensor, features1: tl.tensor, volume: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``volume``. Grid: rows of all images, blocks of columns, D * D."""
    n, i, j = row_and_columns(height, COLUMNS)
    d = tl.program_id(2)
    before, after, inside = opposite_pixels(i, j, d, height, width, RADIUS)
    plane = height * width
    side0, side1 = features0 + n * channels * plane, features1 + n * channels * plane
    total = tl.zeros((COLUMNS,), tl.float32)
    for c in range(channels):
        a = load_float32(side0, c * plane + before, inside)
        b = load_float32(side1, c * plane + after, inside)
        total += a * b
    taps = (2 * RADIUS + 1) * (2 * RADIUS + 1)
    target = volume + (n * taps + d) * plane + i * width + j
    tl.store(target, total, mask=j < width)


@triton.jit
def opposite_pixels(
    i: tl.tensor, j: tl.tensor, d: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return the indices of p - d and p + d in a plane, and where both are inside it.

    p is row ``i`` and the columns ``j``; ``d`` counts the displacements row by row.
    """
    down, across = d // (2 * RADIUS + 1) - RADIUS, d % (2 * RADIUS + 1) - RADIUS
    rows = i + 0 * j
    above, below, left, right = rows - down, rows + down, j - across, j + across
    inside = (left >= 0) & (left < width) & (right >= 0) & (right < width)
    inside &= (above >= 0) & (above < height) & (below >= 0) & (below < height)
    return above * width + left, below * width + right, inside


@triton.jit
def backward_kernel(
    grad: tl.tensor, other: tl.tensor, result: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr, SIGN: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Gather the gradient at p from grad[p + d] * other[p + 2d]. Grid: rows, columns, channels."""
    n, i, j = row_and_columns(height, COLUMNS)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    rows = i + tl.zeros((COLUMNS,), tl.int32)
    side, plane = 2 * RADIUS + 1, height * width
    of_grad, of_other = grad + n * side * side * plane, other + n * channels * plane
    lanes = (c < channels)[:, None]
    total = tl.zeros((LANES, COLUMNS), tl.float32)
    for d in range(side * side):
        down, right = SIGN * (d // side - RADIUS), SIGN * (d % side - RADIUS)
        row, column = rows + 2 * down, j + 2 * right
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width) & (j < width)
        g = load_float32(of_grad + d * plane, (i + down) * width + (j + right), inside)
        source = of_other + (c * plane)[:, None] + (row * width + column)[None, :]
        total += g[None, :] * load_float32(source, 0, lanes & inside[None, :])
    target = result + n * channels * plane + (c * plane)[:, None] + (i * width + j)[None, :]
    tl.store(target, total, mask=lanes & (j < width)[None, :])
