"""AdaCoF of a frame and of features in one pass over the maps, as Numba loops.

Layouts are those of :mod:`cdfi.ops.adacof.cpu_kernels`. For inference only.
"""

import functools

import numpy as np
from numba import int32

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel
from cdfi.ops.adacof.cpu_kernels import (
    Array,
    MapArrays,
    TapTable,
    locate,
    locate_offsets,
    new_table,
    weigh,
)
from cdfi.ops.common.llvm import weighted_sum
from cdfi.ops.common.llvm_bf16 import weighted_sum_bf16


@functools.cache
def forward(lanes: int) -> Kernel:
    """Return ``kernel(maps, frame, features, out_frame, out_features, start, stop)``.

    ``frame`` is (N, H', W', 4) and ``out_frame`` (N, H, W, C <= 4); ``features`` (N, H', W', lanes)
    and ``out_features`` (N, H, W, lanes).
    """

    def kernel(
        maps: MapArrays,
        frame: Array,
        features: Array,
        out_frame: Array,
        out_features: Array,
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = frame.shape
        _, height, width, _ = out_frame.shape
        table = new_table(maps)
        total = np.empty(4, frame.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            few, many = frame[n].reshape((-1, 4)), features[n].reshape((-1, lanes))
            for j in range(width):
                locate(maps, table, n, i, j, rows, columns)
                weigh(maps.weight[n, i, j], table)
                _sum_frame(few, table, total, out_frame[n, i, j])
                weighted_sum(many, table.pixel, table.factor, out_features[n, i, j], lanes)

    return compiled(kernel)


@functools.cache
def forward_bf16(lanes: int) -> Kernel:
    """Return :func:`forward` for features in bfloat16, which are given and returned as int16.

    The kernel takes a ``shift`` after the maps. The offsets are bits as well: int16 of bfloat16
    with a shift of 16, or int32 of float32 with a shift of 0. The frame stays float32, because
    eight bits are too few for a colour. Needs AVX512-BF16.
    """

    def kernel(
        maps: MapArrays,
        shift: int,
        frame: Array,
        features: Array,
        out_frame: Array,
        out_features: Array,
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = frame.shape
        _, height, width, _ = out_frame.shape
        table = new_table(maps)
        taps = table.factor.shape[1]
        offset, pairs = np.empty((2, taps), np.float32), np.empty((2, taps), np.int32)
        total = np.empty(4, frame.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            few, many = frame[n].reshape((-1, 4)), features[n].reshape((-1, lanes))
            for j in range(width):
                _to_float32(maps.offset_y[n, i, j], shift, offset[0])
                _to_float32(maps.offset_x[n, i, j], shift, offset[1])
                locate_offsets(maps, table, offset[0], offset[1], i, j, rows, columns)
                weigh(maps.weight[n, i, j], table)
                _sum_frame(few, table, total, out_frame[n, i, j])
                _to_bf16_pairs(table.factor, pairs)
                weighted_sum_bf16(many, table.pixel, pairs, out_features[n, i, j], lanes)

    return compiled(kernel)


@inlined
def _sum_frame(frame: Array, table: TapTable, total: Array, out: Array) -> None:
    """Fill ``out`` (C <= 4) from a frame of 4 lanes; ``total`` (4,) is scratch memory."""
    weighted_sum(frame, table.pixel, table.factor, total, 4)
    for c in range(out.size):
        out[c] = total[c]


@inlined
def _to_float32(given: Array, shift: int, values: Array) -> None:
    """Fill ``values`` (K*K,), float32, with the given bits shifted to the left."""
    bits = values.view(np.int32)
    for t in range(given.size):
        bits[t] = int32(given[t]) << shift


@inlined
def _to_bf16_pairs(factor: Array, pairs: Array) -> None:
    """Round factors (4, K*K) to bfloat16 and pack left and right neighbour into one integer."""
    bits = factor.view(np.int32)
    for t in range(factor.shape[1]):
        for row in range(2):
            left, right = bits[2 * row, t], bits[2 * row + 1, t]
            low = int32(left + int32(0x7FFF) + ((left >> 16) & int32(1))) >> 16
            high = int32(right + int32(0x7FFF) + ((right >> 16) & int32(1))) >> 16
            pairs[row, t] = int32(low & int32(0xFFFF)) | int32(high << 16)
