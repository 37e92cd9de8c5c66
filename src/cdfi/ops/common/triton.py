"""Device functions that the Triton kernels of several operations call."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl


@triton.jit
def loaded(base: tl.tensor, at: tl.tensor, inside: tl.tensor) -> tl.tensor:
    """Return the numbers at ``base + at`` in float32, 0 outside."""
    return tl.load(base + at, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def clamped(at: tl.tensor, size: tl.tensor) -> tl.tensor:
    """Return a position clamped to 0 ... size - 1; NaN becomes 0."""
    return tl.minimum(tl.where(at > 0, at, 0.0), size - 1.0)  # a size of 1 comes as a plain number
