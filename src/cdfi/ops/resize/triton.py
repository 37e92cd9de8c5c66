"""Bilinear resizing on CUDA devices: a Triton kernel; a program computes some adjacent pixels."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import load_float32

BLOCK = 2048  # values per program


def resize_rows(
    x: Tensor,
    start: int,
    rows: int,
    size: tuple[int, int],
    top: int,
    bottom: int,
    *,
    align_corners: bool = True,
) -> Tensor:
    """Compute :func:`cdfi.ops.resize.op.resize_rows`, also with corners that are not aligned."""
    last = x.permute(0, 2, 3, 1).contiguous()
    batch, known, columns, channels = last.shape
    height, width = size
    out = last.new_empty(batch, bottom - top, width, channels)
    lanes = triton.next_power_of_2(channels)
    pixels = max(BLOCK // lanes, 1)
    row_step, row_start = _positions(rows, height, align_corners)
    column_step, column_start = _positions(columns, width, align_corners)
    kernel[(triton.cdiv((bottom - top) * width, pixels), batch)](
        *(last, out, known, columns, bottom - top, height, width, top),
        *(row_step, row_start - start, column_step, column_start),
        CHANNELS=channels,
        PIXELS=pixels,
        LANES=lanes,
    )
    return out.permute(0, 3, 1, 2)


def _positions(size: int, new_size: int, align_corners: bool) -> tuple[float, float]:
    """Return the distance of adjacent output positions in the input, and the first position."""
    if align_corners:
        return (size - 1) / max(new_size - 1, 1), 0.0
    return size / new_size, 0.5 * size / new_size - 0.5


@triton.jit
def kernel(
    x: tl.tensor, out: tl.tensor,
    rows: tl.tensor, columns: tl.tensor, out_rows: tl.tensor, height: tl.tensor, width: tl.tensor,
    top: tl.tensor, row_step: tl.tensor, row_start: tl.tensor,
    column_step: tl.tensor, column_start: tl.tensor,
    CHANNELS: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out`` (N, out_rows, width, C). Grid: blocks of pixels, N."""
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    c = tl.arange(0, LANES)[None, :]
    i, j, exists = top + p // width, p % width, p < out_rows * width
    inside = exists & (i >= 0) & (i < height)
    y = tl.maximum(i * row_step + row_start, 0.0)
    x_position = tl.maximum(j * column_step + column_start, 0.0)
    upper, left = y.to(tl.int32), x_position.to(tl.int32)
    fy, fx = (y - upper)[:, None], (x_position - left)[:, None]
    upper, left = tl.minimum(upper, rows - 1), tl.minimum(left, columns - 1)
    lower, right = tl.minimum(upper + 1, rows - 1), tl.minimum(left + 1, columns - 1)
    source = x + n * rows * columns * CHANNELS + c
    mask = inside[:, None] & (c < CHANNELS)
    above = _mix(source, upper * columns + left, upper * columns + right, fx, mask, CHANNELS)
    below = _mix(source, lower * columns + left, lower * columns + right, fx, mask, CHANNELS)
    target = out + n * out_rows * width * CHANNELS + (p * CHANNELS)[:, None] + c
    tl.store(target, above + (below - above) * fy, mask=exists[:, None] & (c < CHANNELS))


@triton.jit
def _mix(
    source: tl.tensor, left: tl.tensor, right: tl.tensor, fraction: tl.tensor, mask: tl.tensor,
    CHANNELS: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Interpolate between two adjacent pixels; (PIXELS, LANES) in float32, 0 outside."""
    first = load_float32(source, (left * CHANNELS)[:, None], mask)
    second = load_float32(source, (right * CHANNELS)[:, None], mask)
    return first + (second - first) * fraction
