"""Device functions that the Triton kernels of several operations call."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl


@triton.jit
def load_float32(base: tl.tensor, offset: tl.tensor, mask: tl.tensor) -> tl.tensor:
    """Return the values at ``base + offset`` in float32, 0 where ``mask`` is False."""
    return tl.load(base + offset, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def clamp_index(value: tl.tensor, size: tl.tensor) -> tl.tensor:
    """Return an integer clamped to 0 ... size - 1."""
    return tl.minimum(tl.maximum(value, 0), size - 1)


@triton.jit
def clamp_position(position: tl.tensor, size: tl.tensor) -> tl.tensor:
    """Return a float position clamped to 0 ... size - 1; NaN becomes 0."""
    # Triton passes a size of 1 as a plain number, hence the subtraction of a float.
    return tl.minimum(tl.where(position > 0, position, 0.0), size - 1.0)


@triton.jit
def row_and_columns(height: tl.tensor, COLUMNS: tl.constexpr) -> tuple[tl.tensor, ...]:
    """Return the image, row and columns of a program. Grid: rows of all images, column blocks."""
    n, i = (tl.program_id(0) // height).to(tl.int64), tl.program_id(0) % height
    return n, i, tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)


@triton.jit
def linear_weight(fraction: tl.tensor, PIXEL: tl.constexpr) -> tl.tensor:
    """Return the weight of an adjacent pixel for a position ``fraction`` beyond pixel 0."""
    return tl.maximum(1.0 - tl.abs(fraction - PIXEL), 0.0)


@triton.jit
def cubic_weight(
    fraction: tl.tensor, PIXEL: tl.constexpr, SHARPNESS: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """Return the pixel's weight in cubic convolution with the parameter SHARPNESS (Keys' a)."""
    d = tl.abs(fraction - PIXEL)
    if (PIXEL == 0) | (PIXEL == 1):
        weight = ((SHARPNESS + 2.0) * d - (SHARPNESS + 3.0)) * d * d + 1.0
    else:
        weight = SHARPNESS * (((d - 5.0) * d + 8.0) * d - 4.0)
    return weight
