"""AdaCoF's Triton kernels: some neighbouring pixels and a block of their channels a program.

One reading of the maps serves all channels of a program. Images of many channels are summed tap by
tap; those of a single vector of ``WIDE`` channels with all taps of a pixel at once, since there the
maps are what is read most, and a pixel's taps lie side by side. Images are dense (N, H, W,
``WIDE``), filled up with zeros, so that the neighbours are read as whole vectors; other tensors
come with their strides in the order n, c (channel or tap), y, x, of which the three maps share
theirs. Sums are in float32.
"""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl

from cdfi.ops.common.triton import loaded


@triton.jit
def _split(
    offset: tl.tensor, origin: tl.tensor, size: tl.tensor, TRUNCATE: tl.constexpr
) -> tuple[tl.tensor, ...]:
    """Two neighbours in [0, size) of ``origin + offset``, and the fraction between them."""
    whole = tl.floor(offset)
    if TRUNCATE:
        whole = tl.where(offset < 0, tl.ceil(offset), whole)
    # Larger offsets land on the border all the same, but would overflow an int32.
    near = origin + tl.minimum(tl.maximum(whole, -16777216.0), 16777216.0).to(tl.int32)
    first = tl.minimum(tl.maximum(near, 0), size - 1)
    second = tl.minimum(tl.maximum(near + 1, 0), size - 1)
    return first, second, offset - whole


@triton.jit
def _block(
    height: tl.tensor, width: tl.tensor, TALL: tl.constexpr, PIXELS: tl.constexpr
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Rows, columns and whether they exist, of the program's block of ``TALL`` rows."""
    BROAD: tl.constexpr = PIXELS // TALL
    across = tl.cdiv(width, BROAD)
    block, own = tl.program_id(0), tl.arange(0, PIXELS)
    i = block // across * TALL + own // BROAD
    j = block % across * BROAD + own % BROAD
    return i, j, (i < height) & (j < width)


@triton.jit
def _pixels(
    image: tl.tensor, place: tl.tensor, real: tl.tensor, WIDE: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """The channels that ``image`` points to, of the pixels at ``place``; (PIXELS, LANES)."""
    return loaded(image, (place * WIDE)[:, None], real[:, None])


@triton.jit
def _add(
    image: tl.tensor, place: tl.tensor, values: tl.tensor, real: tl.tensor, WIDE: tl.constexpr
) -> None:  # fmt: skip
    """Add to the same, atomically."""
    tl.atomic_add(image + (place * WIDE)[:, None], values, mask=real[:, None], sem="relaxed")


@triton.jit
def _softmax_of(
    logits: tl.tensor, at: tl.tensor, step: tl.tensor, real: tl.tensor,
    KERNEL: tl.constexpr, PIXELS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """The largest logit of each pixel, and the sum of exponentials relative to it; one reading."""
    most = loaded(logits, at, real)
    whole = tl.full((PIXELS,), 1.0, tl.float32)
    for t in range(1, KERNEL * KERNEL):
        logit = loaded(logits, at + t * step, real)
        higher = tl.maximum(most, logit)
        whole = whole * tl.exp(most - higher) + tl.exp(logit - higher)
        most = higher
    return most, whole


@triton.jit
def forward_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    way: tl.tensor, way_n: tl.tensor, way_c: tl.tensor, way_y: tl.tensor, way_x: tl.tensor,
    out: tl.tensor, out_n: tl.tensor, out_c: tl.tensor, out_y: tl.tensor, out_x: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    TALL: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr, WIDE: tl.constexpr,
    SOFTMAX: tl.constexpr, MOVED: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out`` (N, C, H, W). Grid: blocks of pixels, N, blocks of channels.

    With ``SOFTMAX`` the weights come as logits, and are only ever normalised in registers. With
    ``MOVED``, ``way`` (N, 2, H, W) is added to the offsets; else it is anything.
    """
    i, j, real = _block(height, width, TALL, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    source = image + n * rows * columns * WIDE + c[None, :]
    at = n * maps_n + i * maps_y + j * maps_x
    if SOFTMAX:
        most, whole = _softmax_of(weight, at, maps_c, real, KERNEL, PIXELS)
    if MOVED:
        here = n * way_n + i * way_y + j * way_x
        down, aside = loaded(way, here, real), loaded(way, here + way_c, real)
    total = tl.zeros((PIXELS, LANES), tl.float32)
    for t in range(KERNEL * KERNEL):
        w = loaded(weight, at + t * maps_c, real)
        if SOFTMAX:
            w = tl.exp(w - most) / whole
        y, x = loaded(offset_y, at + t * maps_c, real), loaded(offset_x, at + t * maps_c, real)
        if MOVED:
            y, x = y + down, x + aside
        top, bottom, fy = _split(y, row + i + t // KERNEL * DILATION, rows, TRUNCATE)
        left, right, fx = _split(x, j + t % KERNEL * DILATION, columns, TRUNCATE)
        upper, lower = top * columns, bottom * columns
        total += (w * (1 - fy) * (1 - fx))[:, None] * _pixels(source, upper + left, real, WIDE)
        total += (w * (1 - fy) * fx)[:, None] * _pixels(source, upper + right, real, WIDE)
        total += (w * fy * (1 - fx))[:, None] * _pixels(source, lower + left, real, WIDE)
        total += (w * fy * fx)[:, None] * _pixels(source, lower + right, real, WIDE)
    inside = real[:, None] & (c < channels)[None, :]
    target = out + n * out_n + (i * out_y + j * out_x)[:, None] + (c * out_c)[None, :]
    tl.store(target, total, mask=inside)


@triton.jit
def narrow_forward_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    way: tl.tensor, way_n: tl.tensor, way_c: tl.tensor, way_y: tl.tensor, way_x: tl.tensor,
    out: tl.tensor, out_n: tl.tensor, out_c: tl.tensor, out_y: tl.tensor, out_x: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    PIXELS: tl.constexpr, WIDE: tl.constexpr, TAPS: tl.constexpr, SOFTMAX: tl.constexpr,
    MOVED: tl.constexpr,
) -> None:  # fmt: skip
    """``forward_kernel`` for images of one vector; ``TAPS`` is at least K * K. Grid: pixels, N."""
    p = (tl.program_id(0) * PIXELS + tl.arange(0, PIXELS))[:, None]
    t = tl.arange(0, TAPS)[None, :]
    n = tl.program_id(1).to(tl.int64)
    i, j, real = p // width, p % width, p < height * width
    known = real & (t < KERNEL * KERNEL)
    at = n * maps_n + i * maps_y + j * maps_x + t * maps_c
    w = loaded(weight, at, known)
    if SOFTMAX:
        w = tl.where(t < KERNEL * KERNEL, w, -1e30)
        w = tl.exp(w - tl.max(w, 1)[:, None])
        w = w / tl.sum(w, 1)[:, None]
    y, x = loaded(offset_y, at, known), loaded(offset_x, at, known)
    if MOVED:
        here = n * way_n + i * way_y + j * way_x
        y, x = y + loaded(way, here, real), x + loaded(way, here + way_c, real)
    top, bottom, fy = _split(y, row + i + t // KERNEL * DILATION, rows, TRUNCATE)
    left, right, fx = _split(x, j + t % KERNEL * DILATION, columns, TRUNCATE)
    source = image + n * rows * columns * WIDE
    upper, lower = top * columns, bottom * columns
    total = _vectors(source, upper + left, known, WIDE) * (w * (1 - fy) * (1 - fx))[:, :, None]
    total += _vectors(source, upper + right, known, WIDE) * (w * (1 - fy) * fx)[:, :, None]
    total += _vectors(source, lower + left, known, WIDE) * (w * fy * (1 - fx))[:, :, None]
    total += _vectors(source, lower + right, known, WIDE) * (w * fy * fx)[:, :, None]
    c = tl.arange(0, WIDE)[None, :]
    target = out + n * out_n + i * out_y + j * out_x + c * out_c
    tl.store(target, tl.sum(total, 1), mask=real & (c < channels))


@triton.jit
def _vectors(
    image: tl.tensor, place: tl.tensor, known: tl.tensor, WIDE: tl.constexpr
) -> tl.tensor:  # fmt: skip
    """All channels of the pixels at ``place``, (PIXELS, TAPS); (PIXELS, TAPS, WIDE)."""
    c = tl.arange(0, WIDE)[None, None, :]
    return loaded(image, (place * WIDE)[:, :, None] + c, known[:, :, None])


@triton.jit
def backward_maps_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    grad: tl.tensor,
    of_weight: tl.tensor, of_y: tl.tensor, of_x: tl.tensor,
    of_n: tl.tensor, of_c: tl.tensor, of_row: tl.tensor, of_column: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    TALL: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr, WIDE: tl.constexpr,
) -> None:  # fmt: skip
    """Fill the gradients of the three maps. Grid: blocks of pixels, N."""
    i, j, real = _block(height, width, TALL, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    at = n * maps_n + i * maps_y + j * maps_x
    to = n * of_n + i * of_row + j * of_column
    for t in range(KERNEL * KERNEL):
        w = loaded(weight, at + t * maps_c, real)
        y, x = loaded(offset_y, at + t * maps_c, real), loaded(offset_x, at + t * maps_c, real)
        top, bottom, fy = _split(y, row + i + t // KERNEL * DILATION, rows, TRUNCATE)
        left, right, fx = _split(x, j + t % KERNEL * DILATION, columns, TRUNCATE)
        dot00, dot01 = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
        dot10, dot11 = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
        upper, lower = top * columns, bottom * columns
        for first in range(0, WIDE, LANES):
            c = first + tl.arange(0, LANES)
            g = _pixels(grad + n * height * width * WIDE + c[None, :], i * width + j, real, WIDE)
            source = image + n * rows * columns * WIDE + c[None, :]
            dot00 += tl.sum(g * _pixels(source, upper + left, real, WIDE), 1)
            dot01 += tl.sum(g * _pixels(source, upper + right, real, WIDE), 1)
            dot10 += tl.sum(g * _pixels(source, lower + left, real, WIDE), 1)
            dot11 += tl.sum(g * _pixels(source, lower + right, real, WIDE), 1)
        above, below = dot00 + (dot01 - dot00) * fx, dot10 + (dot11 - dot10) * fx
        aside = (dot01 - dot00) * (1 - fy) + (dot11 - dot10) * fy
        tl.store(of_weight + to + t * of_c, above + (below - above) * fy, mask=real)
        tl.store(of_y + to + t * of_c, w * (below - above), mask=real)
        tl.store(of_x + to + t * of_c, w * aside, mask=real)


@triton.jit
def narrow_backward_maps_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    grad: tl.tensor,
    of_weight: tl.tensor, of_y: tl.tensor, of_x: tl.tensor,
    of_n: tl.tensor, of_c: tl.tensor, of_row: tl.tensor, of_column: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    PIXELS: tl.constexpr, WIDE: tl.constexpr, TAPS: tl.constexpr,
) -> None:  # fmt: skip
    """``backward_maps_kernel`` for images of one vector. Grid: pixels, N."""
    p = (tl.program_id(0) * PIXELS + tl.arange(0, PIXELS))[:, None]
    t = tl.arange(0, TAPS)[None, :]
    n = tl.program_id(1).to(tl.int64)
    i, j, real = p // width, p % width, p < height * width
    known = real & (t < KERNEL * KERNEL)
    at = n * maps_n + i * maps_y + j * maps_x + t * maps_c
    w, y, x = loaded(weight, at, known), loaded(offset_y, at, known), loaded(offset_x, at, known)
    top, bottom, fy = _split(y, row + i + t // KERNEL * DILATION, rows, TRUNCATE)
    left, right, fx = _split(x, j + t % KERNEL * DILATION, columns, TRUNCATE)
    c = tl.arange(0, WIDE)[None, :]
    g = loaded(grad + n * height * width * WIDE, p * WIDE + c, real)[:, None, :]
    source = image + n * rows * columns * WIDE
    upper, lower = top * columns, bottom * columns
    dot00 = tl.sum(_vectors(source, upper + left, known, WIDE) * g, 2)
    dot01 = tl.sum(_vectors(source, upper + right, known, WIDE) * g, 2)
    dot10 = tl.sum(_vectors(source, lower + left, known, WIDE) * g, 2)
    dot11 = tl.sum(_vectors(source, lower + right, known, WIDE) * g, 2)
    above, below = dot00 + (dot01 - dot00) * fx, dot10 + (dot11 - dot10) * fx
    aside = (dot01 - dot00) * (1 - fy) + (dot11 - dot10) * fy
    to = n * of_n + i * of_row + j * of_column + t * of_c
    tl.store(of_weight + to, above + (below - above) * fy, mask=known)
    tl.store(of_y + to, w * (below - above), mask=known)
    tl.store(of_x + to, w * aside, mask=known)


@triton.jit
def backward_input_kernel(
    result: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    grad: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    TALL: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr, WIDE: tl.constexpr,
) -> None:  # fmt: skip
    """Add to the gradient of the image, atomically. Grid: as of ``forward_kernel``."""
    i, j, real = _block(height, width, TALL, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    g = _pixels(grad + n * height * width * WIDE + c[None, :], i * width + j, real, WIDE)
    target = result + n * rows * columns * WIDE + c[None, :]
    at = n * maps_n + i * maps_y + j * maps_x
    for t in range(KERNEL * KERNEL):
        w = loaded(weight, at + t * maps_c, real)
        y, x = loaded(offset_y, at + t * maps_c, real), loaded(offset_x, at + t * maps_c, real)
        top, bottom, fy = _split(y, row + i + t // KERNEL * DILATION, rows, TRUNCATE)
        left, right, fx = _split(x, j + t % KERNEL * DILATION, columns, TRUNCATE)
        upper, lower = top * columns, bottom * columns
        _add(target, upper + left, (w * (1 - fy) * (1 - fx))[:, None] * g, real, WIDE)
        _add(target, upper + right, (w * (1 - fy) * fx)[:, None] * g, real, WIDE)
        _add(target, lower + left, (w * fy * (1 - fx))[:, None] * g, real, WIDE)
        _add(target, lower + right, (w * fy * fx)[:, None] * g, real, WIDE)
