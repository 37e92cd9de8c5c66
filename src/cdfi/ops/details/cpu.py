"""The detail bands on the CPU: one weighted sum of the 16 pixels around each position."""

import functools
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import int32
from torch import Tensor

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel, over_lines
from cdfi.ops.common.cubic import fill_axis_weights
from cdfi.ops.common.layout import pad_channels
from cdfi.ops.common.llvm import weighted_sum
from cdfi.ops.details.reference import NEIGHBOURS, SHARPNESS

Array = np.ndarray[Any, Any]

SIDE = len(NEIGHBOURS)
BEFORE = -NEIGHBOURS[0]  # pixels read before the integer position


def forward(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int) -> Tensor:
    """Compute :func:`cdfi.ops.details`; channels-last in memory."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    image = pad_channels(frame.to(dtype))
    batch, _, height, width = flow.shape
    out = flow.new_empty((batch, height, width, frame.shape[1]), dtype=dtype)
    maps = (x.detach().to(dtype).contiguous().numpy() for x in (flow, band_weights))
    border = (frame.shape[3] - width) // 2
    origin = (top + border, border)
    kernel = _kernel(image.shape[3])
    over_lines(kernel, batch * height, image.numpy(), *maps, *origin, out.numpy())
    return out.permute(0, 3, 1, 2)


class WindowTable(NamedTuple):
    """Which pixels one position reads, and with which weights."""

    down: Array  # (3, 4), weights of rows: cubic, linear, and linear after the binomial filter
    right: Array  # (3, 4), weights of columns
    pixel: Array  # (4, 4) int32, pixels
    factor: Array  # (4, 4), their weights in the sum of both bands


@compiled
def _new_table(image: Array) -> WindowTable:
    """Return a table in the image's dtype."""
    down, right = np.empty((2, 3, SIDE), image.dtype)
    factor = np.empty((SIDE, SIDE), image.dtype)
    return WindowTable(down, right, np.empty((SIDE, SIDE), np.int32), factor)


@functools.cache
def _kernel(lanes: int) -> Kernel:
    """Return ``kernel(image, flow, band_weights, top, left, out, start, stop)``.

    It fills lines of ``out`` (N, h, W, C). ``image`` is (N, H', W', lanes); ``flow`` and
    ``band_weights`` (N, 2, h, W) begin at its pixel (top, left).
    """

    def kernel(
        image: Array,
        flow: Array,
        band_weights: Array,
        top: int,
        left: int,
        out: Array,
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, channels = out.shape
        kind = image.dtype.type
        table, total = _new_table(image), np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                y, x = kind(top + i) + flow[n, 0, i, j], kind(left + j) + flow[n, 1, i, j]
                residual, high_pass = band_weights[n, 0, i, j], band_weights[n, 1, i, j]
                _fill(table, y, x, residual, high_pass, rows, columns)
                weighted_sum(pixels, table.pixel, table.factor, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]

    return compiled(kernel)


@inlined
def _fill(
    table: WindowTable,
    y: float,
    x: float,
    residual: float,
    high_pass: float,
    rows: int,
    columns: int,
) -> None:
    """Fill indices and factors for position (y, x) and the weights of the two bands."""
    first_row = _axis_weights(y, rows, table.down) - BEFORE
    first_column = _axis_weights(x, columns, table.right) - BEFORE
    down, right = table.down, table.right
    for a in range(SIDE):
        row = min(max(first_row + a, 0), rows - 1) * columns
        for b in range(SIDE):
            table.pixel[a, b] = int32(row + min(max(first_column + b, 0), columns - 1))
            linear = down[1, a] * right[1, b]
            factor = residual * (down[0, a] * right[0, b] - linear)
            table.factor[a, b] = factor + high_pass * (linear - down[2, a] * right[2, b])


@inlined
def _axis_weights(position: float, size: int, weights: Array) -> int:
    """Fill the weights (3, 4) of four pixels of an axis; return the integer position.

    The rows are cubic, linear, and linear after the binomial filter.
    """
    kind = weights.dtype.type
    # Comparisons in this order send NaN to 0.
    position = min(position if position > kind(0) else kind(0), kind(size - 1))
    first = int(position)
    fraction = position - kind(first)
    fill_axis_weights(fraction, SHARPNESS, weights[0], weights[1])
    one, quarter = kind(1), kind(0.25)
    rest = one - fraction
    weights[2, 0], weights[2, 1] = quarter * rest, quarter * (one + rest)
    weights[2, 2], weights[2, 3] = quarter * (one + fraction), quarter * fraction
    return first
