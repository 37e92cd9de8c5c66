"""The fine bands of a frame on CUDA devices: a Triton kernel, some neighbouring columns a program.

Tensors are planar (N, C, H, W); float32, float16 and bfloat16 are read as they are, and sums are in
float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import clamped
from cdfi.ops.details.op import SHARPNESS

COLUMNS, MOST_LANES = 64, 16


def details(frame: Tensor, flow: Tensor, gains: Tensor, top: int) -> Tensor:
    """:func:`cdfi.ops.details`, checked."""
    batch, channels, rows, columns = frame.shape
    height, width = flow.shape[2:]
    out = flow.new_empty((batch, channels, height, width), dtype=torch.float32)
    left = (columns - width) // 2
    lanes = min(triton.next_power_of_2(channels), MOST_LANES)
    grid = (batch * height, triton.cdiv(width, COLUMNS), triton.cdiv(channels, lanes))
    kernel[grid](
        *(frame.contiguous(), flow.contiguous(), gains.contiguous(), out),
        *(channels, rows, columns, height, width, top + left, left),
        SHARPNESS=SHARPNESS,
        COLUMNS=COLUMNS,
        LANES=lanes,
    )
    return out


@triton.jit
def kernel(
    frame: tl.tensor, flow: tl.tensor, gains: tl.tensor, out: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, top: tl.tensor, left: tl.tensor,
    SHARPNESS: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out``, whose first pixel is (top, left) of ``frame``.

    Grid: rows of all images, blocks of columns, blocks of channels.
    """
    n, i = (tl.program_id(0) // height).to(tl.int64), tl.program_id(0) % height
    j = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    inside, lanes = j < width, c < channels
    plane, here = height * width, i * width + j
    ways = flow + n * 2 * plane + here
    y = clamped(tl.load(ways, mask=inside, other=0.0).to(tl.float32) + (top + i), rows)
    x = clamped(tl.load(ways + plane, mask=inside, other=0.0).to(tl.float32) + (left + j), columns)
    row, column = y.to(tl.int32), x.to(tl.int32)
    down, right = y - row, x - column
    pixels = frame + n * channels * rows * columns + (c * rows * columns)[:, None]
    lost = tl.zeros((LANES, COLUMNS), tl.float32)
    fine = tl.zeros((LANES, COLUMNS), tl.float32)
    for a in tl.static_range(-1, 3):
        line = tl.minimum(tl.maximum(row + a, 0), rows - 1) * columns
        for b in tl.static_range(-1, 3):
            place = line + tl.minimum(tl.maximum(column + b, 0), columns - 1)
            colour = tl.load(pixels + place[None, :], mask=lanes[:, None], other=0.0)
            colour = colour.to(tl.float32)
            linear = linear_weight(down, a) * linear_weight(right, b)
            cubic = cubic_weight(down, a, SHARPNESS) * cubic_weight(right, b, SHARPNESS)
            smooth = smooth_weight(down, a) * smooth_weight(right, b)
            lost += (cubic - linear)[None, :] * colour
            fine += (linear - smooth)[None, :] * colour
    gain = gains + n * 2 * plane + here
    of_lost = tl.load(gain, mask=inside, other=0.0).to(tl.float32)
    of_fine = tl.load(gain + plane, mask=inside, other=0.0).to(tl.float32)
    total = of_lost[None, :] * lost + of_fine[None, :] * fine
    target = out + n * channels * plane + (c * plane)[:, None] + here[None, :]
    tl.store(target, total, mask=lanes[:, None] & inside[None, :])


@triton.jit
def linear_weight(share: tl.tensor, PIXEL: tl.constexpr) -> tl.tensor:
    """Of a pixel next to a place that is ``share`` beyond pixel 0."""
    return tl.maximum(1.0 - tl.abs(share - PIXEL), 0.0)


@triton.jit
def cubic_weight(
    share: tl.tensor, PIXEL: tl.constexpr, SHARPNESS: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """The same of cubic convolution."""
    d = tl.abs(share - PIXEL)
    if (PIXEL == 0) | (PIXEL == 1):
        weight = ((SHARPNESS + 2.0) * d - (SHARPNESS + 3.0)) * d * d + 1.0
    else:
        weight = SHARPNESS * (((d - 5.0) * d + 8.0) * d - 4.0)
    return weight


@triton.jit
def smooth_weight(share: tl.tensor, PIXEL: tl.constexpr) -> tl.tensor:
    """The same of linear interpolation after the binomial filter."""
    near = linear_weight(share, PIXEL - 1) + linear_weight(share, PIXEL + 1)
    return linear_weight(share, PIXEL) / 2.0 + near / 4.0
