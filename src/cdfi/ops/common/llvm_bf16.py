"""The weighted sum over taps with the bfloat16 instructions of AVX512-BF16.

Arrays are as in :mod:`cdfi.ops.common.llvm`, with bfloat16 given as int16.
"""

import functools
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from cdfi.ops.common.llvm import INT32, Block, arrays, broadcast, element, tap_count

# Lanes that one instruction multiplies. It adds them in pairs, so that 16 sums fill a register.
PAIRED_LANES = 32
SUMS = ir.VectorType(ir.FloatType(), PAIRED_LANES // 2)
PAIRS = ir.VectorType(INT32, PAIRED_LANES // 2)
BFLOATS = ir.VectorType(ir.IntType(16), PAIRED_LANES)

# Shuffles work within 128 bits. These interleave the lower and the upper four lanes of two pixels;
# SORTED restores the order of the lanes in the two registers of sums.
LOW = [
    lane
    for start in range(0, PAIRED_LANES, 8)
    for i in range(start, start + 4)
    for lane in (i, PAIRED_LANES + i)
]
HIGH = [lane + 4 for lane in LOW]
SORTED = [
    half * PAIRED_LANES // 2 + i
    for start in range(0, PAIRED_LANES // 2, 4)
    for half in range(2)
    for i in range(start, start + 4)
]


@functools.cache
def has_bf16_dot() -> bool:
    """Return whether the processor that Numba compiles for has AVX512-BF16."""
    _, _, features = numba.core.registry.cpu_target.target_context.codegen().magic_tuple()
    return "+avx512bf16" in features.split(",")


def _weighted_sum_bf16(_: Any, pixels: Any, index: Any, pair: Any, total: Any, lanes: Any) -> Any:
    """Store the sum of ``factor * pixels[index]`` over taps and neighbours in ``total`` (lanes,).

    ``pixels`` and ``total`` are bfloat16. ``pair`` (2, taps), int32, holds the factors of the left
    and right neighbour of a row as two bfloat16. The lanes of both pixels are interleaved, so that
    one instruction multiplies and adds both in float32. ``lanes`` is a multiple of
    ``PAIRED_LANES``.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, indices, factors, target = arrays(context, builder, signature.args, values)
        blocks = [
            Block(builder, image.data, lanes.literal_value, first, BFLOATS)
            for first in range(0, lanes.literal_value, PAIRED_LANES)
        ]
        for start in range(0, len(blocks), 2):  # the sums of two blocks fill four registers
            part = blocks[start : start + 2]
            sums = [[cgutils.alloca_once_value(builder, SUMS(None)) for _ in "ab"] for _ in part]
            with cgutils.for_range(builder, tap_count(builder, indices)) as loop:
                for row in range(2):
                    _add_row(builder, part, sums, indices, factors, row, loop.index)
            for block, accumulators in zip(part, sums):
                block.store(_rounded(builder, accumulators), target.data)
        return context.get_dummy_value()

    return types.void(pixels, index, pair, total, lanes), generate


def _add_row(
    builder: Any, blocks: list[Block], sums: Any, indices: Any, factors: Any, row: int, tap: Any
) -> None:
    """Generate the addition of a tap's upper (0) or lower (1) two neighbours."""
    # Newer versions of LLVM have a type for bfloat16; all accept integers here.
    dot = _instruction(builder, "dpbf16ps", SUMS, [SUMS, PAIRS, PAIRS])
    factor = broadcast(builder, builder.load(element(builder, factors, row, tap)), PAIRS)
    left, right = (
        blocks[0].pixel(builder.load(element(builder, indices, k, tap)))
        for k in (2 * row, 2 * row + 1)
    )
    for block, accumulators in zip(blocks, sums):
        pixels = block.load(left), block.load(right)
        for accumulator, order in zip(accumulators, (LOW, HIGH)):
            mixed = builder.shuffle_vector(*pixels, _lane_order(order))
            mixed = builder.bitcast(mixed, PAIRS)
            so_far = builder.load(accumulator)
            builder.store(builder.call(dot, [so_far, mixed, factor]), accumulator)


def _rounded(builder: Any, accumulators: list[Any]) -> Any:
    """Return two registers of sums as bfloat16, with the lanes in order."""
    convert = _instruction(builder, "cvtne2ps2bf16", BFLOATS, [SUMS, SUMS])
    low, high = (builder.load(accumulator) for accumulator in accumulators)
    first, second = (
        builder.shuffle_vector(low, high, _lane_order(order))
        for order in (SORTED[: PAIRED_LANES // 2], SORTED[PAIRED_LANES // 2 :])
    )
    return builder.call(convert, [second, first])


def _lane_order(lanes: list[int]) -> Any:
    """Return lane numbers as the constant that a shuffle takes."""
    return ir.Constant(ir.VectorType(INT32, len(lanes)), lanes)


def _instruction(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """Return an instruction of AVX512-BF16 as a function."""
    kind = ir.FunctionType(result, arguments)
    intrinsic_name = f"llvm.x86.avx512bf16.{name}.512"
    return cgutils.get_or_insert_function(builder.module, kind, intrinsic_name)


weighted_sum_bf16 = intrinsic(prefer_literal=True)(_weighted_sum_bf16)
