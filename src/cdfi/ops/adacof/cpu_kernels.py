"""AdaCoF as Numba loops over rows of pixels, with one compiled kernel per number of lanes.

A kernel processes the lines ``start`` to ``stop`` of the rows of all images in order. Images are
(N, H', W', lanes), maps (N, H, W, K*K), all C-ordered. For each pixel, loops over taps fill a
table first. The loop over taps and lanes then only reads and adds.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import int32

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel
from cdfi.ops.common.llvm import weighted_sum

Array = np.ndarray[Any, Any]

# Offsets beyond any frame all land on the border; larger ones would overflow an int32.
MAX_OFFSET = 2.0**24


class MapArrays(NamedTuple):
    """The sampling maps of one call and what they are relative to."""

    weight: Array
    offset_y: Array
    offset_x: Array
    row: int  # output row of the maps' first line
    dilation: int
    truncate: bool  # rounding of offsets: toward zero, or down


class TapTable(NamedTuple):
    """Where the taps of one pixel read, and with which weights."""

    tap_row: Array  # (K*K,) int32, rows from the pixel to the tap at offset 0
    tap_column: Array  # (K*K,) int32
    pixel: Array  # (4, K*K) int32, pixels: top left, top right, bottom left, bottom right
    factor: Array  # (4, K*K), the neighbours' bilinear weights times the tap's weight
    fraction: Array  # (2, K*K), distance of the sample from the top row and the left column


@compiled
def new_table(maps: MapArrays) -> TapTable:
    """Return a table with the positions of the taps filled in."""
    taps = maps.weight.shape[3]
    kernel = round(taps**0.5)
    tap_row, tap_column = np.empty(taps, np.int32), np.empty(taps, np.int32)
    for t in range(taps):
        tap_row[t], tap_column[t] = t // kernel * maps.dilation, t % kernel * maps.dilation
    dtype = maps.weight.dtype
    pixel, factor = np.empty((4, taps), np.int32), np.empty((4, taps), dtype)
    return TapTable(tap_row, tap_column, pixel, factor, np.empty((2, taps), dtype))


@inlined
def locate(
    maps: MapArrays, table: TapTable, n: int, i: int, j: int, rows: int, columns: int
) -> None:
    """Fill indices and fractions for pixel (i, j) of image n of ``rows`` x ``columns`` pixels."""
    locate_offsets(maps, table, maps.offset_y[n, i, j], maps.offset_x[n, i, j], i, j, rows, columns)


@inlined
def locate_offsets(
    maps: MapArrays,
    table: TapTable,
    offset_y: Array,
    offset_x: Array,
    i: int,
    j: int,
    rows: int,
    columns: int,
) -> None:
    """Fill indices and fractions for pixel (i, j) from its offsets (K*K,)."""
    most = maps.weight.dtype.type(MAX_OFFSET)
    bottom, end, stride = int32(rows - 1), int32(columns - 1), int32(columns)
    one, top, left = int32(1), int32(maps.row + i), int32(j)
    for t in range(offset_y.size):
        y, x = offset_y[t], offset_x[t]
        integer_y = np.trunc(y) if maps.truncate else np.floor(y)
        integer_x = np.trunc(x) if maps.truncate else np.floor(x)
        table.fraction[0, t], table.fraction[1, t] = y - integer_y, x - integer_x
        # Comparisons in this order send NaN to the border, too, where reading is safe.
        integer_y = integer_y if integer_y > -most else -most
        integer_x = integer_x if integer_x > -most else -most
        first_y = int32(top + table.tap_row[t] + int32(integer_y if integer_y < most else most))
        first_x = int32(left + table.tap_column[t] + int32(integer_x if integer_x < most else most))
        y0 = int32(int32(min(max(first_y, 0), bottom)) * stride)
        y1 = int32(int32(min(max(int32(first_y + one), 0), bottom)) * stride)
        x0, x1 = min(max(first_x, 0), end), min(max(int32(first_x + one), 0), end)
        table.pixel[0, t], table.pixel[1, t] = y0 + x0, y0 + x1
        table.pixel[2, t], table.pixel[3, t] = y1 + x0, y1 + x1


@inlined
def weigh(weight: Array, table: TapTable) -> None:
    """Fill the factors from one pixel's weights (K*K,) and the table's fractions."""
    for t in range(weight.size):
        lower = weight[t] * table.fraction[0, t]
        upper = weight[t] - lower
        table.factor[1, t] = upper * table.fraction[1, t]
        table.factor[3, t] = lower * table.fraction[1, t]
        table.factor[0, t] = upper - table.factor[1, t]
        table.factor[2, t] = lower - table.factor[3, t]


@functools.cache
def forward(lanes: int) -> Kernel:
    """Return ``kernel(maps, image, out, start, stop)``; it fills ``out`` (N, H, W, C <= lanes)."""

    def kernel(maps: MapArrays, image: Array, out: Array, start: int, stop: int) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, channels = out.shape
        table = new_table(maps)
        total = np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                locate(maps, table, n, i, j, rows, columns)
                weigh(maps.weight[n, i, j], table)
                weighted_sum(pixels, table.pixel, table.factor, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]

    return compiled(kernel)
