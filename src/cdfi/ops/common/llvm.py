"""The innermost loops over taps as LLVM vectors, which Numba cannot keep in registers by itself.

All functions take C-ordered arrays. ``pixels`` is (P, lanes); ``index`` (4, taps) holds the pixels
that each tap reads (its four bilinear neighbours), ``factor`` (4, taps) their weights; ``lanes`` is
a constant. Nothing is checked: every index has to be inside ``pixels``.
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

# More accumulators than this (16 registers of AVX2, 4 of AVX-512) would spill to memory.
MAX_LANES = 64
INT64, INT32 = ir.IntType(64), ir.IntType(32)
FUSED = ("contract",)


class Block(NamedTuple):
    """Adjacent lanes of every pixel, and the builder of the code for them."""

    builder: Any
    pixels: Any  # pointer to the first lane of the first pixel
    lanes: int
    first: int
    vector: ir.VectorType

    def load(self, address: Any) -> Any:
        """Load these lanes of the vector that starts at ``address``."""
        return self.builder.load(self._pointer(address), align=4)

    def store(self, value: Any, address: Any) -> None:
        """Store these lanes of the vector that starts at ``address``."""
        self.builder.store(value, self._pointer(address), align=4)

    def pixel(self, index: Any) -> Any:
        """Return the address of the pixel with this index."""
        wide = self.builder.zext(index, INT64)
        return self.builder.gep(self.pixels, [self.builder.mul(wide, INT64(self.lanes))])

    def broadcast(self, value: Any) -> Any:
        """Return a vector with ``value`` in all lanes."""
        return broadcast(self.builder, value, self.vector)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Return ``a * b + c``, fused if the processor can."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=FUSED), c, flags=FUSED)

    def _pointer(self, address: Any) -> Any:
        start = self.builder.gep(address, [INT64(self.first)])
        return self.builder.bitcast(start, self.vector.as_pointer())


def broadcast(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    """Return a vector of this type with ``value`` in all lanes."""
    undefined = vector(ir.Undefined)
    single = builder.insert_element(undefined, value, INT32(0))
    zeros = ir.VectorType(INT32, vector.count)(None)
    return builder.shuffle_vector(single, undefined, zeros)


def arrays(context: Any, builder: Any, kinds: Any, values: Any) -> list[Any]:
    """Return Numba's array structures of the arguments that are arrays."""
    return [
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(kinds, values)
        if isinstance(kind, types.Array)
    ]


def element(builder: Any, table: Any, row: int, tap: Any) -> Any:
    """Return the address of ``table[row, tap]``."""
    taps = builder.extract_value(table.shape, 1)
    return builder.gep(table.data, [builder.add(tap, builder.mul(taps, INT64(row)))])


def tap_count(builder: Any, index: Any) -> Any:
    """Return the number of taps in a table of pixel indices."""
    return builder.extract_value(index.shape, 1)


def _blocks(builder: Any, pixels: Any, scalar: Any, lanes: int, most: int) -> list[Block]:
    """Split all lanes into blocks of at most ``most``."""
    return [
        Block(builder, pixels, lanes, first, ir.VectorType(scalar, min(most, lanes - first)))
        for first in range(0, lanes, most)
    ]


def _weighted_sum(_: Any, pixels: Any, index: Any, factor: Any, total: Any, lanes: Any) -> Any:
    """Store the sum of ``factor * pixels[index]`` in ``total`` (lanes,)."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, indices, factors, target = arrays(context, builder, signature.args, values)
        scalar = context.get_value_type(pixels.dtype)
        for block in _blocks(builder, image.data, scalar, lanes.literal_value, MAX_LANES):
            # One accumulator of few lanes would wait for each addition: use four.
            count = 4 if block.vector.count <= 16 else 1
            sums = [cgutils.alloca_once_value(builder, block.vector(None)) for _ in range(count)]
            with cgutils.for_range(builder, tap_count(builder, indices)) as loop:
                for k in range(4):
                    pixel = builder.load(element(builder, indices, k, loop.index))
                    scale = builder.load(element(builder, factors, k, loop.index))
                    scale, accumulator = block.broadcast(scale), sums[k % count]
                    value = block.load(block.pixel(pixel))
                    so_far = builder.load(accumulator)
                    builder.store(block.multiply_add(scale, value, so_far), accumulator)
            result, *others = (builder.load(accumulator) for accumulator in sums)
            for other in others:
                result = builder.fadd(result, other)
            block.store(result, target.data)
        return context.get_dummy_value()

    return types.void(pixels, index, factor, total, lanes), generate


def _products(_: Any, pixels: Any, index: Any, grad: Any, dot: Any, lanes: Any) -> Any:
    """Store the inner products of ``grad`` (lanes,) with ``pixels[index]`` in ``dot`` (4, taps)."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, indices, gradient, target = arrays(context, builder, signature.args, values)
        scalar = context.get_value_type(pixels.dtype)
        blocks = _blocks(builder, image.data, scalar, lanes.literal_value, 16)
        gradients = [block.load(gradient.data) for block in blocks]
        vector = blocks[0].vector
        reduce = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(scalar, [scalar, vector]),
            f"llvm.vector.reduce.fadd.v{vector.count}f{pixels.dtype.bitwidth}",
        )
        with cgutils.for_range(builder, tap_count(builder, indices)) as loop:
            for k in range(4):
                pixel = blocks[0].pixel(builder.load(element(builder, indices, k, loop.index)))
                total = vector(None)
                for block, part in zip(blocks, gradients):
                    total = block.multiply_add(part, block.load(pixel), total)
                value = builder.call(reduce, [scalar(-0.0), total], fastmath=("reassoc",))
                builder.store(value, element(builder, target, k, loop.index))
        return context.get_dummy_value()

    return types.void(pixels, index, grad, dot, lanes), generate


def _scatter(
    _: Any, pixels: Any, index: Any, factor: Any, grad: Any, first: Any, end: Any, lanes: Any
) -> Any:
    """Add ``factor * grad`` to ``pixels[index]`` wherever ``first <= index < end``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        image, indices, factors, gradient = arrays(context, builder, signature.args, values)
        scalar = context.get_value_type(pixels.dtype)
        low, size = values[4], builder.sub(values[5], values[4])
        for block in _blocks(builder, image.data, scalar, lanes.literal_value, MAX_LANES):
            part = block.load(gradient.data)
            with cgutils.for_range(builder, tap_count(builder, indices)) as loop:
                for k in range(4):
                    pixel = builder.load(element(builder, indices, k, loop.index))
                    # One unsigned comparison: indices below ``first`` wrap to huge numbers.
                    owned = builder.icmp_unsigned("<", builder.sub(pixel, low), size)
                    with builder.if_then(owned):
                        scale = builder.load(element(builder, factors, k, loop.index))
                        address = block.pixel(pixel)
                        so_far = block.load(address)
                        added = block.multiply_add(block.broadcast(scale), part, so_far)
                        block.store(added, address)
        return context.get_dummy_value()

    return types.void(pixels, index, factor, grad, types.int32, types.int32, lanes), generate


weighted_sum = intrinsic(prefer_literal=True)(_weighted_sum)
products = intrinsic(prefer_literal=True)(_products)
scatter = intrinsic(prefer_literal=True)(_scatter)
