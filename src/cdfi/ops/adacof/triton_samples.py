"""Device functions of AdaCoF's Triton kernels: positions, reads and writes of the samples."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl

from cdfi.ops.common.triton import clamp_index, load_float32


@triton.jit
def _split(
    offset: tl.tensor, origin: tl.tensor, size: tl.tensor, TRUNCATE: tl.constexpr
) -> tuple[tl.tensor, ...]:
    """Return two neighbours in [0, size) of ``origin + offset``, and the fraction between them."""
    integer = tl.floor(offset)
    if TRUNCATE:
        integer = tl.where(offset < 0, tl.ceil(offset), integer)
    # Larger offsets land on the border in any case, but would overflow an int32.
    first = origin + tl.minimum(tl.maximum(integer, -16777216.0), 16777216.0).to(tl.int32)
    return clamp_index(first, size), clamp_index(first + 1, size), offset - integer


@triton.jit
def corners(
    y: tl.tensor, x: tl.tensor, i: tl.tensor, j: tl.tensor, t: tl.tensor,
    rows: tl.tensor, columns: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return the four neighbours of tap t of pixel (i, j) at offset (y, x), and both fractions."""
    top, bottom, fy = _split(y, i + t // KERNEL * DILATION, rows, TRUNCATE)
    left, right, fx = _split(x, j + t % KERNEL * DILATION, columns, TRUNCATE)
    upper, lower = top * columns, bottom * columns
    return upper + left, upper + right, lower + left, lower + right, fy, fx


@triton.jit
def factors(w: tl.tensor, fy: tl.tensor, fx: tl.tensor) -> tuple[tl.tensor, ...]:
    """Return the bilinear weights of the four neighbours times the tap's weight."""
    return w * (1 - fy) * (1 - fx), w * (1 - fy) * fx, w * fy * (1 - fx), w * fy * fx


@triton.jit
def pixel_block(
    height: tl.tensor, width: tl.tensor, BLOCK_ROWS: tl.constexpr, PIXELS: tl.constexpr
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return rows, columns and a mask for the program's block of ``BLOCK_ROWS`` rows."""
    BLOCK_COLUMNS: tl.constexpr = PIXELS // BLOCK_ROWS
    across = tl.cdiv(width, BLOCK_COLUMNS)
    block, pixel = tl.program_id(0), tl.arange(0, PIXELS)
    i = block // across * BLOCK_ROWS + pixel // BLOCK_COLUMNS
    j = block % across * BLOCK_COLUMNS + pixel % BLOCK_COLUMNS
    return i, j, (i < height) & (j < width)


@triton.jit
def pixels_and_taps(
    height: tl.tensor, width: tl.tensor,
    KERNEL: tl.constexpr, PIXELS: tl.constexpr, TAPS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return pixels, rows, columns (PIXELS, 1), taps (1, TAPS), and masks of pixels and taps."""
    p = (tl.program_id(0) * PIXELS + tl.arange(0, PIXELS))[:, None]
    t = tl.arange(0, TAPS)[None, :]
    mask = p < height * width
    return p, p // width, p % width, t, mask, mask & (t < KERNEL * KERNEL)


@triton.jit
def load_pixels(
    image: tl.tensor, index: tl.tensor, mask: tl.tensor, PADDED: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """Load the channels that ``image`` points to of some pixels; (PIXELS, LANES)."""
    return load_float32(image, (index * PADDED)[:, None], mask[:, None])


@triton.jit
def load_vectors(
    image: tl.tensor, index: tl.tensor, mask: tl.tensor, PADDED: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """Load all channels of pixels (PIXELS, TAPS); (PIXELS, TAPS, PADDED)."""
    c = tl.arange(0, PADDED)[None, None, :]
    return load_float32(image, (index * PADDED)[:, :, None] + c, mask[:, :, None])


@triton.jit
def add_samples(
    total: tl.tensor, image: tl.tensor,
    p00: tl.tensor, p01: tl.tensor, p10: tl.tensor, p11: tl.tensor,
    w: tl.tensor, fy: tl.tensor, fx: tl.tensor, mask: tl.tensor, PADDED: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Return ``total`` (PIXELS, LANES) plus a tap's weighted bilinear samples."""
    w00, w01, w10, w11 = factors(w, fy, fx)
    total += w00[:, None] * load_pixels(image, p00, mask, PADDED)
    total += w01[:, None] * load_pixels(image, p01, mask, PADDED)
    total += w10[:, None] * load_pixels(image, p10, mask, PADDED)
    total += w11[:, None] * load_pixels(image, p11, mask, PADDED)
    return total


@triton.jit
def add_to_pixels(
    image: tl.tensor, index: tl.tensor, values: tl.tensor, mask: tl.tensor, PADDED: tl.constexpr
) -> None:  # fmt: skip
    """Add to the channels that ``image`` points to of some pixels."""
    tl.atomic_add(image + (index * PADDED)[:, None], values, mask=mask[:, None], sem="relaxed")


@triton.jit
def softmax_terms(
    logits: tl.tensor, at: tl.tensor, step: tl.tensor, mask: tl.tensor,
    KERNEL: tl.constexpr, PIXELS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return each pixel's largest logit and the sum of exponentials relative to it, in one pass."""
    largest = load_float32(logits, at, mask)
    total = tl.full((PIXELS,), 1.0, tl.float32)
    for t in range(1, KERNEL * KERNEL):
        logit = load_float32(logits, at + t * step, mask)
        larger = tl.maximum(largest, logit)
        total = total * tl.exp(largest - larger) + tl.exp(logit - larger)
        largest = larger
    return largest, total


@triton.jit
def store_gradients(
    of_weight: tl.tensor, of_y: tl.tensor, of_x: tl.tensor, at: tl.tensor, mask: tl.tensor,
    w: tl.tensor, fy: tl.tensor, fx: tl.tensor,
    dot00: tl.tensor, dot01: tl.tensor, dot10: tl.tensor, dot11: tl.tensor,
) -> None:  # fmt: skip
    """Store the gradients of a tap, from the neighbours' inner products with ``grad``."""
    above, below = dot00 + (dot01 - dot00) * fx, dot10 + (dot11 - dot10) * fx
    across = (dot01 - dot00) * (1 - fy) + (dot11 - dot10) * fy
    tl.store(of_weight + at, above + (below - above) * fy, mask=mask)
    tl.store(of_y + at, w * (below - above), mask=mask)
    tl.store(of_x + at, w * across, mask=mask)
