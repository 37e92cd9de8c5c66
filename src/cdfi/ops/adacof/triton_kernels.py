"""AdaCoF's Triton kernels: each program computes a few adjacent pixels and a block of channels.

A program reads the maps once for all its channels. Images of many channels are summed tap by tap.
Images of one vector of ``PADDED`` channels (the "narrow" kernels) are summed over all taps of a
pixel at once: there most reads are of the maps, and a pixel's taps are adjacent in memory.

Images are dense (N, H, W, ``PADDED``), padded with zeros, so that the neighbours are read as full
vectors. Other tensors come with their strides in the order n, c (channel or tap), y, x; the three
maps share theirs. Sums are in float32.
"""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl

from cdfi.ops.adacof.triton_samples import (
    add_samples,
    add_to_pixels,
    corners,
    factors,
    load_pixels,
    load_vectors,
    pixel_block,
    pixels_and_taps,
    softmax_terms,
    store_gradients,
)
from cdfi.ops.common.triton import load_float32


@triton.jit
def forward_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    flow: tl.tensor, flow_n: tl.tensor, flow_c: tl.tensor, flow_y: tl.tensor, flow_x: tl.tensor,
    out: tl.tensor, out_n: tl.tensor, out_c: tl.tensor, out_y: tl.tensor, out_x: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    BLOCK_ROWS: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr, PADDED: tl.constexpr,
    SOFTMAX: tl.constexpr, HAS_FLOW: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out`` (N, C, H, W). Grid: blocks of pixels, N, blocks of channels.

    With ``SOFTMAX``, ``weight`` holds logits. With ``HAS_FLOW``, ``flow`` (N, 2, H, W) is added to
    the offsets; else it is not read.
    """
    i, j, mask = pixel_block(height, width, BLOCK_ROWS, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    c = tl.program_id(2) * LANES + tl.arange(0, LANES)
    source = image + n * rows * columns * PADDED + c[None, :]
    start = n * maps_n + i * maps_y + j * maps_x
    if SOFTMAX:
        largest, exponentials = softmax_terms(weight, start, maps_c, mask, KERNEL, PIXELS)
    if HAS_FLOW:
        at = n * flow_n + i * flow_y + j * flow_x
        flow_down, flow_right = load_float32(flow, at, mask), load_float32(flow, at + flow_c, mask)
    total = tl.zeros((PIXELS, LANES), tl.float32)
    for t in range(KERNEL * KERNEL):
        at = start + t * maps_c
        w = load_float32(weight, at, mask)
        if SOFTMAX:
            w = tl.exp(w - largest) / exponentials
        y, x = load_float32(offset_y, at, mask), load_float32(offset_x, at, mask)
        if HAS_FLOW:
            y, x = y + flow_down, x + flow_right
        p00, p01, p10, p11, fy, fx = corners(
            y, x, row + i, j, t, rows, columns, KERNEL, DILATION, TRUNCATE
        )
        total = add_samples(total, source, p00, p01, p10, p11, w, fy, fx, mask, PADDED)
    target = out + n * out_n + (i * out_y + j * out_x)[:, None] + (c * out_c)[None, :]
    tl.store(target, total, mask=mask[:, None] & (c < channels)[None, :])


@triton.jit
def narrow_forward_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    flow: tl.tensor, flow_n: tl.tensor, flow_c: tl.tensor, flow_y: tl.tensor, flow_x: tl.tensor,
    out: tl.tensor, out_n: tl.tensor, out_c: tl.tensor, out_y: tl.tensor, out_x: tl.tensor,
    channels: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    PIXELS: tl.constexpr, PADDED: tl.constexpr, TAPS: tl.constexpr, SOFTMAX: tl.constexpr,
    HAS_FLOW: tl.constexpr,
) -> None:  # fmt: skip
    """Compute ``forward_kernel`` for images of one vector; TAPS >= K * K. Grid: pixels, N."""
    _, i, j, t, mask, taps = pixels_and_taps(height, width, KERNEL, PIXELS, TAPS)
    n = tl.program_id(1).to(tl.int64)
    at = n * maps_n + i * maps_y + j * maps_x + t * maps_c
    w = load_float32(weight, at, taps)
    if SOFTMAX:
        w = tl.where(t < KERNEL * KERNEL, w, -1e30)
        w = tl.exp(w - tl.max(w, 1)[:, None])
        w = w / tl.sum(w, 1)[:, None]
    y, x = load_float32(offset_y, at, taps), load_float32(offset_x, at, taps)
    if HAS_FLOW:
        at = n * flow_n + i * flow_y + j * flow_x
        y, x = y + load_float32(flow, at, mask), x + load_float32(flow, at + flow_c, mask)
    p00, p01, p10, p11, fy, fx = corners(
        y, x, row + i, j, t, rows, columns, KERNEL, DILATION, TRUNCATE
    )
    w00, w01, w10, w11 = factors(w, fy, fx)
    source = image + n * rows * columns * PADDED
    total = load_vectors(source, p00, taps, PADDED) * w00[:, :, None]
    total += load_vectors(source, p01, taps, PADDED) * w01[:, :, None]
    total += load_vectors(source, p10, taps, PADDED) * w10[:, :, None]
    total += load_vectors(source, p11, taps, PADDED) * w11[:, :, None]
    c = tl.arange(0, PADDED)[None, :]
    target = out + n * out_n + i * out_y + j * out_x + c * out_c
    tl.store(target, tl.sum(total, 1), mask=mask & (c < channels))


@triton.jit
def backward_maps_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    grad: tl.tensor,
    of_weight: tl.tensor, of_y: tl.tensor, of_x: tl.tensor,
    of_n: tl.tensor, of_c: tl.tensor, of_row: tl.tensor, of_column: tl.tensor,
    rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    BLOCK_ROWS: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr, PADDED: tl.constexpr,
) -> None:  # fmt: skip
    """Fill the gradients of the three maps. Grid: blocks of pixels, N."""
    i, j, mask = pixel_block(height, width, BLOCK_ROWS, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    start = n * maps_n + i * maps_y + j * maps_x
    target = n * of_n + i * of_row + j * of_column
    for t in range(KERNEL * KERNEL):
        at = start + t * maps_c
        w = load_float32(weight, at, mask)
        y, x = load_float32(offset_y, at, mask), load_float32(offset_x, at, mask)
        p00, p01, p10, p11, fy, fx = corners(
            y, x, row + i, j, t, rows, columns, KERNEL, DILATION, TRUNCATE
        )
        dot00, dot01 = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
        dot10, dot11 = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
        for first in range(0, PADDED, LANES):
            c = (first + tl.arange(0, LANES))[None, :]
            g = load_pixels(grad + n * height * width * PADDED + c, i * width + j, mask, PADDED)
            source = image + n * rows * columns * PADDED + c
            dot00 += tl.sum(g * load_pixels(source, p00, mask, PADDED), 1)
            dot01 += tl.sum(g * load_pixels(source, p01, mask, PADDED), 1)
            dot10 += tl.sum(g * load_pixels(source, p10, mask, PADDED), 1)
            dot11 += tl.sum(g * load_pixels(source, p11, mask, PADDED), 1)
        at = target + t * of_c
        store_gradients(of_weight, of_y, of_x, at, mask, w, fy, fx, dot00, dot01, dot10, dot11)


@triton.jit
def narrow_backward_maps_kernel(
    image: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    grad: tl.tensor,
    of_weight: tl.tensor, of_y: tl.tensor, of_x: tl.tensor,
    of_n: tl.tensor, of_c: tl.tensor, of_row: tl.tensor, of_column: tl.tensor,
    rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    PIXELS: tl.constexpr, PADDED: tl.constexpr, TAPS: tl.constexpr,
) -> None:  # fmt: skip
    """Compute ``backward_maps_kernel`` for images of one vector. Grid: pixels, N."""
    p, i, j, t, mask, taps = pixels_and_taps(height, width, KERNEL, PIXELS, TAPS)
    n = tl.program_id(1).to(tl.int64)
    at = n * maps_n + i * maps_y + j * maps_x + t * maps_c
    w = load_float32(weight, at, taps)
    y, x = load_float32(offset_y, at, taps), load_float32(offset_x, at, taps)
    p00, p01, p10, p11, fy, fx = corners(
        y, x, row + i, j, t, rows, columns, KERNEL, DILATION, TRUNCATE
    )
    c = tl.arange(0, PADDED)[None, :]
    g = load_float32(grad + n * height * width * PADDED, p * PADDED + c, mask)[:, None, :]
    source = image + n * rows * columns * PADDED
    dot00 = tl.sum(load_vectors(source, p00, taps, PADDED) * g, 2)
    dot01 = tl.sum(load_vectors(source, p01, taps, PADDED) * g, 2)
    dot10 = tl.sum(load_vectors(source, p10, taps, PADDED) * g, 2)
    dot11 = tl.sum(load_vectors(source, p11, taps, PADDED) * g, 2)
    at = n * of_n + i * of_row + j * of_column + t * of_c
    store_gradients(of_weight, of_y, of_x, at, taps, w, fy, fx, dot00, dot01, dot10, dot11)


@triton.jit
def backward_input_kernel(
    result: tl.tensor,
    weight: tl.tensor, offset_y: tl.tensor, offset_x: tl.tensor,
    maps_n: tl.tensor, maps_c: tl.tensor, maps_y: tl.tensor, maps_x: tl.tensor,
    grad: tl.tensor,
    rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor, row: tl.tensor,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, TRUNCATE: tl.constexpr,
    BLOCK_ROWS: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr, PADDED: tl.constexpr,
) -> None:  # fmt: skip
    """Add to the gradient of the image, atomically. Grid: like that of ``forward_kernel``."""
    i, j, mask = pixel_block(height, width, BLOCK_ROWS, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    c = (tl.program_id(2) * LANES + tl.arange(0, LANES))[None, :]
    g = load_pixels(grad + n * height * width * PADDED + c, i * width + j, mask, PADDED)
    target = result + n * rows * columns * PADDED + c
    start = n * maps_n + i * maps_y + j * maps_x
    for t in range(KERNEL * KERNEL):
        at = start + t * maps_c
        w = load_float32(weight, at, mask)
        y, x = load_float32(offset_y, at, mask), load_float32(offset_x, at, mask)
        p00, p01, p10, p11, fy, fx = corners(
            y, x, row + i, j, t, rows, columns, KERNEL, DILATION, TRUNCATE
        )
        w00, w01, w10, w11 = factors(w, fy, fx)
        add_to_pixels(target, p00, w00[:, None] * g, mask, PADDED)
        add_to_pixels(target, p01, w01[:, None] * g, mask, PADDED)
        add_to_pixels(target, p10, w10[:, None] * g, mask, PADDED)
        add_to_pixels(target, p11, w11[:, None] * g, mask, PADDED)
