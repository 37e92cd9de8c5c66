"""The bilinear warp on CUDA devices: a Triton kernel; a program computes some adjacent columns.

Tensors are (N, C, H, W), contiguous. float32, float16 and bfloat16 are read as they are; results
are in float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import clamp_index, clamp_position, load_float32, row_and_columns

COLUMNS, MAX_LANES = 64, 16


def forward(image: Tensor, flow: Tensor) -> Tensor:
    """Compute :func:`cdfi.ops.warp`."""
    batch, channels, rows, columns = image.shape
    height, width = flow.shape[2:]
    out = flow.new_empty((batch, channels, height, width), dtype=torch.float32)
    lanes = min(triton.next_power_of_2(channels), MAX_LANES)
    grid = (batch * height, triton.cdiv(width, COLUMNS), triton.cdiv(channels, lanes))
    kernel[grid](
        *(image.contiguous(), flow.contiguous(), out),
        *(channels, rows, columns, height, width),
        COLUMNS=COLUMNS,
        LANES=lanes,
    )
    return out


@triton.jit
def kernel(
    image: tl.tensor, flow: tl.tensor, out: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor,
    COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out``. Grid: rows of all images, blocks of columns, blocks of channels."""
    n, i, j = row_and_columns(height, COLUMNS)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    inside, lanes = j < width, c < channels
    plane, here = height * width, i * width + j
    y, x = positions(flow + n * 2 * plane, here, inside, plane, i, j, rows, columns)
    pixels = image + n * channels * rows * columns + (c * rows * columns)[:, None]
    total = bilinear(pixels, y, x, lanes, rows, columns)
    target = out + n * channels * plane + (c * plane)[:, None] + here[None, :]
    tl.store(target, total, mask=lanes[:, None] & inside[None, :])


@triton.jit
def positions(
    flow: tl.tensor, here: tl.tensor, inside: tl.tensor, plane: tl.tensor,
    i: tl.tensor, j: tl.tensor, rows: tl.tensor, columns: tl.tensor,
) -> tuple[tl.tensor, tl.tensor]:  # fmt: skip
    """Return where the flow leads, (COLUMNS,) rows and columns, clamped to the image.

    ``flow`` points to the rows of one image's flow; ``plane`` is their number of elements.
    """
    y = clamp_position(load_float32(flow, here, inside) + i, rows)
    return y, clamp_position(load_float32(flow + plane, here, inside) + j, columns)


@triton.jit
def bilinear(
    pixels: tl.tensor, y: tl.tensor, x: tl.tensor, lanes: tl.tensor,
    rows: tl.tensor, columns: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """Return bilinear samples (LANES, COLUMNS).

    ``pixels`` (LANES, 1) points to the channels; ``lanes`` (LANES,) is where there is one.
    """
    row, column = y.to(tl.int32), x.to(tl.int32)
    fy, fx = y - row, x - column
    above, below = row * columns, clamp_index(row + 1, rows) * columns
    right = clamp_index(column + 1, columns)
    mask = lanes[:, None]
    top = load_float32(pixels, (above + column)[None, :], mask) * (1.0 - fx)[None, :]
    top += load_float32(pixels, (above + right)[None, :], mask) * fx[None, :]
    bottom = load_float32(pixels, (below + column)[None, :], mask) * (1.0 - fx)[None, :]
    bottom += load_float32(pixels, (below + right)[None, :], mask) * fx[None, :]
    return top * (1.0 - fy)[None, :] + bottom * fy[None, :]
