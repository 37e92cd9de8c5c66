"""The gradients of AdaCoF as Numba loops; layouts are those of ``cpu_kernels``."""

import functools

import numpy as np
from numba import int32

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel
from cdfi.ops.adacof.cpu_kernels import Array, MapArrays, TapTable, locate, new_table, weigh
from cdfi.ops.common.llvm import products, scatter


@functools.cache
def backward_maps(lanes: int) -> Kernel:
    """Return ``kernel(maps, grad, image, of_maps, start, stop)``, which fills three gradients."""

    def kernel(
        maps: MapArrays,
        grad: Array,
        image: Array,
        of_maps: tuple[Array, Array, Array],
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, taps = maps.weight.shape
        table = new_table(maps)
        dot = np.empty((4, taps), image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                locate(maps, table, n, i, j, rows, columns)
                products(pixels, table.pixel, grad[n, i, j], dot, lanes)
                _fill_gradients(maps.weight[n, i, j], table, dot, of_maps, n, i, j)

    return compiled(kernel)


@inlined
def _fill_gradients(
    weight: Array,
    table: TapTable,
    dot: Array,
    of_maps: tuple[Array, Array, Array],
    n: int,
    i: int,
    j: int,
) -> None:
    """Compute the gradients of weight and offsets from the neighbours' products with ``grad``."""
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
    """Return ``kernel(maps, reach, grad, of_image, start, stop)``, which adds to ``of_image``.

    Here ``start`` and ``stop`` count lines of the input. Each call adds only to its own lines and
    reads all maps that reach them. So every element is summed in the order of the output's pixels,
    for any number of threads. ``reach`` (2, N, H) is the least and the largest vertical offset of
    each output row.
    """

    def kernel(
        maps: MapArrays, reach: Array, grad: Array, of_image: Array, start: int, stop: int
    ) -> None:
        _, rows, columns, _ = of_image.shape
        _, height, width, _ = maps.weight.shape
        table = new_table(maps)
        for n in range(start // rows, (stop - 1) // rows + 1):
            first, end = max(start - n * rows, 0), min(stop - n * rows, rows)
            low, high = int32(first * columns), int32(end * columns)
            pixels = of_image[n].reshape((-1, lanes))
            for i in range(height):
                # Comparisons with NaN are False, so that such a row is read.
                if first > 0 and maps.row + i + table.tap_row[-1] + reach[1, n, i] + 1 < first:
                    continue
                if end < rows and maps.row + i + reach[0, n, i] - 1 >= end:
                    continue
                for j in range(width):
                    locate(maps, table, n, i, j, rows, columns)
                    weigh(maps.weight[n, i, j], table)
                    g = grad[n, i, j]
                    scatter(pixels, table.pixel, table.factor, g, low, high, lanes)

    return compiled(kernel)
