"""The innermost loops over taps as LLVM vectors, which Numba cannot keep in registers by itself.

All take C-ordered arrays: ``pixels`` (P, lanes), ``place`` and ``share`` (4, taps), and ``lanes``
as a constant. Nothing is checked: every place has to lie inside ``pixels``.
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

# More accumulators than this (16 registers of AVX2, 4 of AVX-512) would spill to memory.
WIDEST = 64
INDEX, SMALL_INDEX = ir.IntType(64), ir.IntType(32)
# Lanes that one instruction of AVX512-BF16 multiplies, two to a sum: 16 sums in a register.
PAIRED = 32
SUMS, PAIRS = ir.VectorType(ir.FloatType(), PAIRED // 2), ir.VectorType(SMALL_INDEX, PAIRED // 2)
HALVES = ir.VectorType(ir.IntType(16), PAIRED)
FUSED = ("contract",)


class Block(NamedTuple):
    """Some neighbouring lanes of every pixel, and the code that is being written for them."""

    builder: Any
    pixels: Any  # pointer to the first lane of the first pixel
    lanes: int
    first: int
    vector: ir.VectorType

    def load(self, address: Any) -> Any:
        """Read these lanes of the vector that starts at ``address``."""
        return self.builder.load(self._pointer(address), align=4)

    def store(self, value: Any, address: Any) -> None:
        """Write these lanes of the vector that starts at ``address``."""
        self.builder.store(value, self._pointer(address), align=4)

    def pixel(self, spot: Any) -> Any:
        """The address of pixel number ``spot``."""
        wide = self.builder.zext(spot, INDEX)
        return self.builder.gep(self.pixels, [self.builder.mul(wide, INDEX(self.lanes))])

    def spread(self, value: Any) -> Any:
        """Repeat a number in all lanes."""
        none = self.vector(ir.Undefined)
        one = self.builder.insert_element(none, value, SMALL_INDEX(0))
        everywhere = ir.VectorType(SMALL_INDEX, self.vector.count)(None)
        return self.builder.shuffle_vector(one, none, everywhere)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """``a * b + c``, fused where the processor can."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=FUSED), c, flags=FUSED)

    def _pointer(self, address: Any) -> Any:
        here = self.builder.gep(address, [INDEX(self.first)])
        return self.builder.bitcast(here, self.vector.as_pointer())


def _blocks(builder: Any, pixels: Any, scalar: Any, lanes: int, widest: int) -> list[Block]:
    """Split all lanes into blocks of at most ``widest``."""
    return [
        Block(builder, pixels, lanes, first, ir.VectorType(scalar, min(widest, lanes - first)))
        for first in range(0, lanes, widest)
    ]


def _arrays(context: Any, builder: Any, kinds: Any, values: Any) -> list[Any]:
    """Numba's array structures of the arguments that are arrays."""
    return [
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(kinds, values)
        if isinstance(kind, types.Array)
    ]


def _at(builder: Any, table: Any, neighbour: int, tap: Any) -> Any:
    """The address of ``table[neighbour, tap]``."""
    taps = builder.extract_value(table.shape, 1)
    return builder.gep(table.data, [builder.add(tap, builder.mul(taps, INDEX(neighbour)))])


def _weighted_sum(_: Any, pixels: Any, place: Any, share: Any, total: Any, lanes: Any) -> Any:
    """Store the sum over taps and neighbours of ``share * pixels[place]`` in ``total`` (lanes,)."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, spots, factors, target = _arrays(context, builder, signature.args, values)
        scalar = context.get_value_type(pixels.dtype)
        for block in _blocks(builder, image.data, scalar, lanes.literal_value, WIDEST):
            # A few lanes alone would wait for one chain of additions: split it in four.
            chains = 4 if block.vector.count <= 16 else 1
            sums = [cgutils.alloca_once_value(builder, block.vector(None)) for _ in range(chains)]
            with cgutils.for_range(builder, builder.extract_value(spots.shape, 1)) as loop:
                for k in range(4):
                    spot = builder.load(_at(builder, spots, k, loop.index))
                    factor = block.spread(builder.load(_at(builder, factors, k, loop.index)))
                    chain = sums[k % chains]
                    colour = block.load(block.pixel(spot))
                    builder.store(block.multiply_add(factor, colour, builder.load(chain)), chain)
            result, *others = (builder.load(chain) for chain in sums)
            for other in others:
                result = builder.fadd(result, other)
            block.store(result, target.data)
        return context.get_dummy_value()

    return types.void(pixels, place, share, total, lanes), generate


def _weighted_sum_half(_: Any, pixels: Any, place: Any, pair: Any, total: Any, lanes: Any) -> Any:
    """:func:`_weighted_sum` of bfloat16 ``pixels`` into bfloat16 ``total``, both as int16.

    ``pair`` (2, taps) holds the shares of two neighbours in a row as bfloat16 side by side. Two
    neighbouring pixels are shuffled to lie alike, and one instruction multiplies and adds both, in
    float32. Needs AVX512-BF16; ``lanes`` is a multiple of ``PAIRED``.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, spots, factors, target = _arrays(context, builder, signature.args, values)
        # Later versions of LLVM have a type for bfloat16; all of them understand integers here.
        dot = _function(builder, "dpbf16ps", SUMS, [SUMS, PAIRS, PAIRS])
        rounded = _function(builder, "cvtne2ps2bf16", HALVES, [SUMS, SUMS])
        blocks = [
            Block(builder, image.data, lanes.literal_value, first, HALVES)
            for first in range(0, lanes.literal_value, PAIRED)
        ]
        for start in range(0, len(blocks), 2):  # two blocks are four registers of sums
            part = blocks[start : start + 2]
            sums = [[cgutils.alloca_once_value(builder, SUMS(None)) for _ in "ab"] for _ in part]
            with cgutils.for_range(builder, builder.extract_value(spots.shape, 1)) as loop:
                for row in range(2):
                    factor = Block(builder, None, 0, 0, PAIRS).spread(
                        builder.load(_at(builder, factors, row, loop.index))
                    )
                    left, right = (
                        part[0].pixel(builder.load(_at(builder, spots, k, loop.index)))
                        for k in (2 * row, 2 * row + 1)
                    )
                    for block, chains in zip(part, sums):
                        both = block.load(left), block.load(right)
                        for chain, order in zip(chains, (_LOW, _HIGH)):
                            mixed = builder.shuffle_vector(*both, _order(order))
                            mixed = builder.bitcast(mixed, PAIRS)
                            so_far = builder.load(chain)
                            builder.store(builder.call(dot, [so_far, mixed, factor]), chain)
            for block, chains in zip(part, sums):
                low, high = (builder.load(chain) for chain in chains)
                first, second = (
                    builder.shuffle_vector(low, high, _order(order))
                    for order in (_SORTED[: PAIRED // 2], _SORTED[PAIRED // 2 :])
                )
                block.store(builder.call(rounded, [second, first]), target.data)
        return context.get_dummy_value()

    return types.void(pixels, place, pair, total, lanes), generate


# Within each 128 bits, as the processor shuffles: the lower and the upper four lanes of two pixels
# in turn; and where the sums of the lanes are then found.
_LOW = [k for lane in range(0, PAIRED, 8) for i in range(lane, lane + 4) for k in (i, PAIRED + i)]
_HIGH = [k + 4 for k in _LOW]
_SORTED = [
    half * PAIRED // 2 + i
    for lane in range(0, PAIRED // 2, 4)
    for half in range(2)
    for i in range(lane, lane + 4)
]


def _order(numbers: list[int]) -> Any:
    """Numbers of lanes, as a shuffle wants them."""
    return ir.Constant(ir.VectorType(SMALL_INDEX, len(numbers)), numbers)


def _function(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """An instruction of AVX512-BF16 as a function."""
    kind = ir.FunctionType(result, arguments)
    full = f"llvm.x86.avx512bf16.{name}.512"
    return cgutils.get_or_insert_function(builder.module, kind, full)


def _products(_: Any, pixels: Any, place: Any, grad: Any, dot: Any, lanes: Any) -> Any:
    """Store the inner products of ``grad`` (lanes,) with ``pixels[place]`` in ``dot`` (4, taps)."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, spots, gradient, target = _arrays(context, builder, signature.args, values)
        scalar = context.get_value_type(pixels.dtype)
        blocks = _blocks(builder, image.data, scalar, lanes.literal_value, 16)
        gradients = [block.load(gradient.data) for block in blocks]
        vector = blocks[0].vector
        add_up = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(scalar, [scalar, vector]),
            f"llvm.vector.reduce.fadd.v{vector.count}f{pixels.dtype.bitwidth}",
        )
        with cgutils.for_range(builder, builder.extract_value(spots.shape, 1)) as loop:
            for k in range(4):
                pixel = blocks[0].pixel(builder.load(_at(builder, spots, k, loop.index)))
                total = vector(None)
                for block, part in zip(blocks, gradients):
                    total = block.multiply_add(part, block.load(pixel), total)
                value = builder.call(add_up, [scalar(-0.0), total], fastmath=("reassoc",))
                builder.store(value, _at(builder, target, k, loop.index))
        return context.get_dummy_value()

    return types.void(pixels, place, grad, dot, lanes), generate


def _scatter(
    _: Any, pixels: Any, place: Any, share: Any, grad: Any, first: Any, beyond: Any, lanes: Any
) -> Any:
    """Add ``share * grad`` to ``pixels[place]`` wherever ``first <= place < beyond``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, spots, factors, gradient = _arrays(context, builder, signature.args, values)
        scalar = context.get_value_type(pixels.dtype)
        low, size = values[4], builder.sub(values[5], values[4])
        for block in _blocks(builder, image.data, scalar, lanes.literal_value, WIDEST):
            part = block.load(gradient.data)
            with cgutils.for_range(builder, builder.extract_value(spots.shape, 1)) as loop:
                for k in range(4):
                    spot = builder.load(_at(builder, spots, k, loop.index))
                    # One unsigned comparison: places before the first wrap to huge numbers.
                    ours = builder.icmp_unsigned("<", builder.sub(spot, low), size)
                    with builder.if_then(ours):
                        factor = builder.load(_at(builder, factors, k, loop.index))
                        pixel = block.pixel(spot)
                        so_far = block.load(pixel)
                        block.store(block.multiply_add(block.spread(factor), part, so_far), pixel)
        return context.get_dummy_value()

    return types.void(pixels, place, share, grad, types.int32, types.int32, lanes), generate


weighted_sum = intrinsic(prefer_literal=True)(_weighted_sum)
weighted_sum_half = intrinsic(prefer_literal=True)(_weighted_sum_half)
products = intrinsic(prefer_literal=True)(_products)
scatter = intrinsic(prefer_literal=True)(_scatter)
