"""The detail bands on CUDA devices: a Triton kernel; a program computes some adjacent columns.

Tensors are (N, C, H, W), contiguous. float32, float16 and bfloat16 are read as they are, and sums
are in float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import (
    clamp_index,
    clamp_position,
    cubic_weight,
    linear_weight,
    load_float32,
    row_and_columns,
)
from cdfi.ops.details.reference import SHARPNESS

COLUMNS, MAX_LANES = 64, 16


def forward(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int) -> Tensor:
    """Compute :func:`cdfi.ops.details`."""
    batch, channels, rows, columns = frame.shape
    height, width = flow.shape[2:]
    out = flow.new_empty((batch, channels, height, width), dtype=torch.float32)
    left = (columns - width) // 2
    lanes = min(triton.next_power_of_2(channels), MAX_LANES)
    grid = (batch * height, triton.cdiv(width, COLUMNS), triton.cdiv(channels, lanes))
    kernel[grid](
        *(frame.contiguous(), flow.contiguous(), band_weights.contiguous(), out),
        *(channels, rows, columns, height, width, top + left, left),
        SHARPNESS=SHARPNESS,
        COLUMNS=COLUMNS,
        LANES=lanes,
    )
    return out


@triton.jit
def kernel(
    frame: tl.tensor, flow: tl.tensor, band_weights: tl.tensor, out: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, top: tl.tensor, left: tl.tensor,
    SHARPNESS: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out``, whose first pixel is (top, left) of ``frame``.

    Grid: rows of all images, blocks of columns, blocks of channels.
    """
    n, i, j = row_and_columns(height, COLUMNS)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    inside, lanes = j < width, c < channels
    plane, here = height * width, i * width + j
    flow_rows = flow + n * 2 * plane
    y = clamp_position(load_float32(flow_rows, here, inside) + (top + i), rows)
    x = clamp_position(load_float32(flow_rows + plane, here, inside) + (left + j), columns)
    row, column = y.to(tl.int32), x.to(tl.int32)
    fy, fx = y - row, x - column
    pixels = frame + n * channels * rows * columns + (c * rows * columns)[:, None]
    residual = tl.zeros((LANES, COLUMNS), tl.float32)
    high_pass = tl.zeros((LANES, COLUMNS), tl.float32)
    for a in tl.static_range(-1, 3):
        line = clamp_index(row + a, rows) * columns
        for b in tl.static_range(-1, 3):
            index = line + clamp_index(column + b, columns)
            value = load_float32(pixels, index[None, :], lanes[:, None])
            linear = linear_weight(fy, a) * linear_weight(fx, b)
            cubic = cubic_weight(fy, a, SHARPNESS) * cubic_weight(fx, b, SHARPNESS)
            smooth = smooth_weight(fy, a) * smooth_weight(fx, b)
            residual += (cubic - linear)[None, :] * value
            high_pass += (linear - smooth)[None, :] * value
    weights = band_weights + n * 2 * plane
    total = load_float32(weights, here, inside)[None, :] * residual
    total += load_float32(weights + plane, here, inside)[None, :] * high_pass
    target = out + n * channels * plane + (c * plane)[:, None] + here[None, :]
    tl.store(target, total, mask=lanes[:, None] & inside[None, :])


@triton.jit
def smooth_weight(fraction: tl.tensor, PIXEL: tl.constexpr) -> tl.tensor:
    """Return the pixel's weight in linear interpolation after the binomial filter."""
    adjacent = linear_weight(fraction, PIXEL - 1) + linear_weight(fraction, PIXEL + 1)
    return linear_weight(fraction, PIXEL) / 2.0 + adjacent / 4.0
