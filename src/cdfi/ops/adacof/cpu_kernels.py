"""AdaCoF as Numba loops over rows of pixels, one compiled kernel for each number of lanes.

A kernel handles the lines ``start`` to ``stop`` of all images laid one under another. Images are
(N, H', W', lanes), maps (N, H, W, K*K), all C-ordered. Loops over taps come first and fill a
table; the loop over taps and lanes then does nothing but read and add.
"""

import functools
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import int32

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel
from cdfi.ops.common.llvm import products, scatter, weighted_sum, weighted_sum_half

Array = np.ndarray[Any, Any]

# Offsets beyond any frame all land on the border; larger ones would overflow an int32.
FAR = 2.0**24


class KernelMaps(NamedTuple):
    """The sampling maps of one call and what they are relative to."""

    weight: Array
    offset_y: Array
    offset_x: Array
    row: int  # output row of the maps' first line
    dilation: int
    truncate: bool  # rounding: toward zero, or down


class TapTable(NamedTuple):
    """Where the taps of one pixel read and how much each counts."""

    down: Array  # (K*K,) int32, rows from the pixel to the tap at offset 0
    right: Array  # (K*K,) int32, columns
    place: Array  # (4, K*K) int32, pixel numbers: top left, top right, bottom left, bottom right
    share: Array  # (4, K*K), the neighbours' bilinear weights times the tap's weight
    fraction: Array  # (2, K*K), how far the sample lies below top and right of left


@compiled
def _new_table(maps: KernelMaps) -> TapTable:
    """A table with its steps filled in."""
    taps = maps.weight.shape[3]
    kernel = round(taps**0.5)
    down, right = np.empty(taps, np.int32), np.empty(taps, np.int32)
    for t in range(taps):
        down[t], right[t] = t // kernel * maps.dilation, t % kernel * maps.dilation
    dtype = maps.weight.dtype
    place, share = np.empty((4, taps), np.int32), np.empty((4, taps), dtype)
    return TapTable(down, right, place, share, np.empty((2, taps), dtype))


@inlined
def _locate(
    maps: KernelMaps, table: TapTable, n: int, i: int, j: int, rows: int, columns: int
) -> None:
    """Fill places and fractions for pixel (i, j) of image n; ``rows``, ``columns``: the input's."""
    _place(maps, table, maps.offset_y[n, i, j], maps.offset_x[n, i, j], i, j, rows, columns)


@inlined
def _place(
    maps: KernelMaps,
    table: TapTable,
    offset_y: Array,
    offset_x: Array,
    i: int,
    j: int,
    rows: int,
    columns: int,
) -> None:
    """Fill places and fractions for pixel (i, j), whose offsets (K*K,) these are."""
    far = maps.weight.dtype.type(FAR)
    bottom, end, wide = int32(rows - 1), int32(columns - 1), int32(columns)
    one, top, left = int32(1), int32(maps.row + i), int32(j)
    for t in range(offset_y.size):
        y, x = offset_y[t], offset_x[t]
        whole_y = np.trunc(y) if maps.truncate else np.floor(y)
        whole_x = np.trunc(x) if maps.truncate else np.floor(x)
        table.fraction[0, t], table.fraction[1, t] = y - whole_y, x - whole_x
        # Comparisons in this order send NaN to the border too, where reading is safe.
        whole_y = whole_y if whole_y > -far else -far
        whole_x = whole_x if whole_x > -far else -far
        near_y = int32(top + table.down[t] + int32(whole_y if whole_y < far else far))
        near_x = int32(left + table.right[t] + int32(whole_x if whole_x < far else far))
        y0 = int32(int32(min(max(near_y, 0), bottom)) * wide)
        y1 = int32(int32(min(max(int32(near_y + one), 0), bottom)) * wide)
        x0, x1 = min(max(near_x, 0), end), min(max(int32(near_x + one), 0), end)
        table.place[0, t], table.place[1, t] = y0 + x0, y0 + x1
        table.place[2, t], table.place[3, t] = y1 + x0, y1 + x1


@inlined
def _weigh(weight: Array, table: TapTable) -> None:
    """Fill the shares from one pixel's weights (K*K,) and the table's fractions."""
    for t in range(weight.size):
        lower = weight[t] * table.fraction[0, t]
        upper = weight[t] - lower
        table.share[1, t] = upper * table.fraction[1, t]
        table.share[3, t] = lower * table.fraction[1, t]
        table.share[0, t] = upper - table.share[1, t]
        table.share[2, t] = lower - table.share[3, t]


@functools.cache
def forward(lanes: int) -> Kernel:
    """``kernel(maps, image, out, start, stop)`` fills ``out`` (N, H, W, C <= lanes)."""

    def kernel(maps: KernelMaps, image: Array, out: Array, start: int, stop: int) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, channels = out.shape
        table = _new_table(maps)
        total = np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                _locate(maps, table, n, i, j, rows, columns)
                _weigh(maps.weight[n, i, j], table)
                weighted_sum(pixels, table.place, table.share, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]

    return compiled(kernel)


@functools.cache
def forward_both(lanes: int) -> Kernel:
    """``kernel(maps, frame, features, out, of_features, start, stop)``: two images, located once.

    ``frame`` is (N, H', W', 4) and ``out`` (N, H, W, C <= 4); ``of_features`` (N, H, W, lanes).
    """

    def kernel(
        maps: KernelMaps,
        frame: Array,
        features: Array,
        out: Array,
        of_features: Array,
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = frame.shape
        _, height, width, _ = out.shape
        table = _new_table(maps)
        total = np.empty(4, frame.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            few, many = frame[n].reshape((-1, 4)), features[n].reshape((-1, lanes))
            for j in range(width):
                _locate(maps, table, n, i, j, rows, columns)
                _weigh(maps.weight[n, i, j], table)
                _sum_colours(few, table, total, out[n, i, j])
                weighted_sum(many, table.place, table.share, of_features[n, i, j], lanes)

    return compiled(kernel)


@functools.cache
def forward_both_half(lanes: int) -> Kernel:
    """:func:`forward_both` with features in bfloat16, given and returned as int16.

    The offsets are bits as well: int16 of bfloat16 with a ``shift`` of 16, int32 of float32 with
    0. The frame stays float32: eight bits of a colour are too few. Needs :func:`has_bf16_dot`.
    """

    def kernel(
        maps: KernelMaps,
        shift: int,
        frame: Array,
        features: Array,
        out: Array,
        of_features: Array,
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = frame.shape
        _, height, width, _ = out.shape
        table = _new_table(maps)
        taps = table.share.shape[1]
        offset, pairs = np.empty((2, taps), np.float32), np.empty((2, taps), np.int32)
        total = np.empty(4, frame.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            few, many = frame[n].reshape((-1, 4)), features[n].reshape((-1, lanes))
            for j in range(width):
                _widen(maps.offset_y[n, i, j], shift, offset[0])
                _widen(maps.offset_x[n, i, j], shift, offset[1])
                _place(maps, table, offset[0], offset[1], i, j, rows, columns)
                _weigh(maps.weight[n, i, j], table)
                _sum_colours(few, table, total, out[n, i, j])
                _pair(table.share, pairs)
                weighted_sum_half(many, table.place, pairs, of_features[n, i, j], lanes)

    return compiled(kernel)


@inlined
def _sum_colours(frame: Array, table: TapTable, total: Array, out: Array) -> None:
    """Fill ``out`` (C <= 4) from a frame of 4 lanes, by way of ``total`` (4,)."""
    weighted_sum(frame, table.place, table.share, total, 4)
    for c in range(out.size):
        out[c] = total[c]


@inlined
def _widen(given: Array, shift: int, values: Array) -> None:
    """Fill ``values`` (K*K,), float32, from bits that many places too low."""
    bits = values.view(np.int32)
    for t in range(given.size):
        bits[t] = int32(given[t]) << shift


@inlined
def _pair(share: Array, pairs: Array) -> None:
    """The shares (4, K*K) rounded to bfloat16, left and right neighbour in one integer each."""
    bits = share.view(np.int32)
    for t in range(share.shape[1]):
        for row in range(2):
            left, right = bits[2 * row, t], bits[2 * row + 1, t]
            low = int32(left + int32(0x7FFF) + ((left >> 16) & int32(1))) >> 16
            high = int32(right + int32(0x7FFF) + ((right >> 16) & int32(1))) >> 16
            pairs[row, t] = int32(low & int32(0xFFFF)) | int32(high << 16)


@functools.cache
def has_bf16_dot() -> bool:
    """Whether the processor that Numba compiles for has AVX512-BF16."""
    _, _, features = numba.core.registry.cpu_target.target_context.codegen().magic_tuple()
    return "+avx512bf16" in features.split(",")


@functools.cache
def backward_maps(lanes: int) -> Kernel:
    """``kernel(maps, grad, image, of_maps, start, stop)`` fills three maps of gradients."""

    def kernel(
        maps: KernelMaps,
        grad: Array,
        image: Array,
        of_maps: tuple[Array, Array, Array],
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, taps = maps.weight.shape
        table = _new_table(maps)
        dot = np.empty((4, taps), image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                _locate(maps, table, n, i, j, rows, columns)
                products(pixels, table.place, grad[n, i, j], dot, lanes)
                _chain(maps.weight[n, i, j], table, dot, of_maps, n, i, j)

    return compiled(kernel)


@inlined
def _chain(
    weight: Array,
    table: TapTable,
    dot: Array,
    of_maps: tuple[Array, Array, Array],
    n: int,
    i: int,
    j: int,
) -> None:
    """Turn the neighbours' products with the gradient into gradients of weight and offsets."""
    of_weight, of_y, of_x = of_maps[0][n, i, j], of_maps[1][n, i, j], of_maps[2][n, i, j]
    for t in range(weight.size):
        y, x = table.fraction[0, t], table.fraction[1, t]
        upper_step, lower_step = dot[1, t] - dot[0, t], dot[3, t] - dot[2, t]
        upper, lower = dot[0, t] + upper_step * x, dot[2, t] + lower_step * x
        of_weight[t] = upper + (lower - upper) * y
        of_y[t] = weight[t] * (lower - upper)
        of_x[t] = weight[t] * (upper_step + (lower_step - upper_step) * y)


@functools.cache
def backward_input(lanes: int) -> Kernel:
    """``kernel(maps, reach, grad, of_image, start, stop)`` adds to lines of ``of_image``.

    The lines are the input's: whoever runs the kernel owns them and reads all maps that reach
    them, so every element is summed in the order of the output's pixels, whatever the number of
    threads. ``reach`` (2, N, H) is the least and the largest vertical offset of each output row.
    """

    def kernel(
        maps: KernelMaps, reach: Array, grad: Array, of_image: Array, start: int, stop: int
    ) -> None:
        _, rows, columns, _ = of_image.shape
        _, height, width, _ = maps.weight.shape
        table = _new_table(maps)
        for n in range(start // rows, (stop - 1) // rows + 1):
            first, beyond = max(start - n * rows, 0), min(stop - n * rows, rows)
            low, high = int32(first * columns), int32(beyond * columns)
            pixels = of_image[n].reshape((-1, lanes))
            for i in range(height):
                # A NaN compares false, and is read.
                if first > 0 and maps.row + i + table.down[-1] + reach[1, n, i] + 1 < first:
                    continue
                if beyond < rows and maps.row + i + reach[0, n, i] - 1 >= beyond:
                    continue
                for j in range(width):
                    _locate(maps, table, n, i, j, rows, columns)
                    _weigh(maps.weight[n, i, j], table)
                    g = grad[n, i, j]
                    scatter(pixels, table.place, table.share, g, low, high, lanes)

    return compiled(kernel)
