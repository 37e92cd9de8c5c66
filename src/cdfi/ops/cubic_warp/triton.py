"""The cubic warp on CUDA devices: a Triton kernel; a program computes some adjacent columns.

Tensors are (N, C, H, W), contiguous. float32, float16 and bfloat16 are read as they are; results
are in float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import (
    clamp_index,
    cubic_weight,
    linear_weight,
    load_float32,
    row_and_columns,
)
from cdfi.ops.cubic_warp.reference import CUBIC
from cdfi.ops.warp.reference import MARGIN

COLUMNS, MAX_LANES = 64, 16


def forward(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    """Compute :func:`cdfi.ops.cubic_warp`."""
    batch, channels, rows, columns = frame.shape
    height, width = flow.shape[2:]
    out = flow.new_empty((batch, channels, height, width), dtype=torch.float32)
    lanes = min(triton.next_power_of_2(channels), MAX_LANES)
    grid = (batch * height, triton.cdiv(width, COLUMNS), triton.cdiv(channels, lanes))
    kernel[grid](
        *(frame.contiguous(), flow.contiguous(), sharpness.contiguous(), out),
        *(channels, rows, columns, height, width),
        SHARPNESS=CUBIC,
        MARGIN=MARGIN,
        COLUMNS=COLUMNS,
        LANES=lanes,
    )
    return out


@triton.jit
def kernel(
    frame: tl.tensor, flow: tl.tensor, sharpness: tl.tensor, out: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor,
    SHARPNESS: tl.constexpr, MARGIN: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out``. Grid: rows of all images, blocks of columns, blocks of channels."""
    n, i, j = row_and_columns(height, COLUMNS)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    inside, lanes = j < width, c < channels
    plane, here = height * width, i * width + j
    flow_rows = flow + n * 2 * plane
    y = bounded(load_float32(flow_rows, here, inside) + i, rows, MARGIN)
    x = bounded(load_float32(flow_rows + plane, here, inside) + j, columns, MARGIN)
    row, column = tl.floor(y), tl.floor(x)
    fy, fx = y - row, x - column
    row, column = row.to(tl.int32), column.to(tl.int32)
    sharp = load_float32(sharpness + n * plane, here, inside)
    pixels = frame + n * channels * rows * columns + (c * rows * columns)[:, None]
    total = tl.zeros((LANES, COLUMNS), tl.float32)
    for a in tl.static_range(-1, 3):
        line = clamp_index(row + a, rows) * columns
        for b in tl.static_range(-1, 3):
            index = line + clamp_index(column + b, columns)
            linear = linear_weight(fy, a) * linear_weight(fx, b)
            cubic = cubic_weight(fy, a, SHARPNESS) * cubic_weight(fx, b, SHARPNESS)
            weight = linear + sharp * (cubic - linear)
            total += weight[None, :] * load_float32(pixels, index[None, :], lanes[:, None])
    target = out + n * channels * plane + (c * plane)[:, None] + here[None, :]
    tl.store(target, total, mask=lanes[:, None] & inside[None, :])


@triton.jit
def bounded(
    position: tl.tensor, size: tl.tensor, MARGIN: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """Return a position clamped to ``MARGIN`` pixels past both edges; NaN becomes 0."""
    known = tl.where(position == position, position, 0.0)
    return tl.minimum(tl.maximum(known, -MARGIN), size + MARGIN)
