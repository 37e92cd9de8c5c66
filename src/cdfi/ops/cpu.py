"""AdaCoF on the CPU: Numba kernels, channels-last, forward and backward."""
# mypy: disable-error-code="no-untyped-def"

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numba
import numpy as np
import torch
from numba import int32, uintp
from torch import Tensor

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

# Sums may be reordered, so that they vectorise; NaN and infinity keep their meaning.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
# Offsets beyond any frame all land on the border; larger ones would overflow an int32.
FAR = 2.0**24


def forward(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """Warp ``input`` (N, C, H', W') by maps (N, K*K, H, W); the result is channels-last.

    Half precision is computed in float32 and rounded once at the end.
    """
    dtype = input.dtype
    input, weight, offset_y, offset_x = _computed((input, weight, offset_y, offset_x))
    batch, channels = input.shape[:2]
    height, width = weight.shape[2:]
    image = _padded(input)
    out = input.new_empty((batch, height, width, channels))
    kernel = _forward(image.shape[3], rounding == "trunc")
    arguments = (
        *(image, *map(_taps_last, (weight, offset_y, offset_x)), out),
        *_steps(weight.shape[1], dilation, row),
    )
    _over_rows(kernel, arguments, batch * height)
    return out.permute(0, 3, 1, 2).to(dtype)


def backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
    of_input: bool,
    of_maps: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of the sum of ``grad * forward(...)``; those not asked for come back empty."""
    dtypes = [values.dtype for values in (input, weight, offset_y, offset_x)]
    grad, input, weight, offset_y, offset_x = _computed((grad, input, weight, offset_y, offset_x))
    maps = [_taps_last(values) for values in (weight, offset_y, offset_x)]
    steps = _steps(weight.shape[1], dilation, row)
    gradients = _padded(grad)
    lanes, truncate = gradients.shape[3], rounding == "trunc"
    of_image, of_weight, of_y, of_x = (input.new_empty(0) for _ in range(4))
    if of_maps:
        of_weight, of_y, of_x = (torch.empty_like(maps[0]) for _ in range(3))
        arguments = (gradients, _padded(input), *maps, of_weight, of_y, of_x, *steps)
        _over_rows(_backward_maps(lanes, truncate), arguments, maps[0].shape[0] * maps[0].shape[1])
        of_weight, of_y, of_x = (g.permute(0, 3, 1, 2) for g in (of_weight, of_y, of_x))
    if of_input:
        batch, channels, height, width = input.shape
        image = input.new_zeros((batch, height, width, lanes))
        arguments = (gradients, *maps, image, *steps)
        _over_rows(_backward_input(lanes, truncate), arguments, batch * height)
        of_image = image[..., :channels].contiguous().permute(0, 3, 1, 2)
    results = (of_image, of_weight, of_y, of_x)
    of_image, of_weight, of_y, of_x = (g.to(dtype) for g, dtype in zip(results, dtypes))
    return of_image, of_weight, of_y, of_x


def _computed(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors in one precision the kernels know: float64 if any is, else float32."""
    double = any(values.dtype == torch.float64 for values in tensors)
    return tuple(values.to(torch.float64 if double else torch.float32) for values in tensors)


def _padded(image: Tensor) -> Tensor:
    """(N, C, H, W) as (N, H, W, lanes): lanes is 4, or C rounded up to a multiple of 16.

    Whole vectors a pixel spare every inner loop its remainder. Extra lanes are zero.
    """
    channels = image.shape[1]
    lanes = 4 if channels <= 4 else -(-channels // 16) * 16
    last = image.permute(0, 2, 3, 1)
    if lanes == channels:
        return last.contiguous()
    padded = last.new_empty((*last.shape[:3], lanes))
    padded[..., :channels] = last
    padded[..., channels:] = 0
    return padded


def _taps_last(values: Tensor) -> Tensor:
    """Maps (N, K*K, H, W) as (N, H, W, K*K): free when a channels-last convolution made them."""
    return values.permute(0, 2, 3, 1).contiguous()


def _steps(taps: int, dilation: int, row: int) -> tuple[Any, Any, int]:
    """Where each tap starts, in rows and in columns from its pixel, and the first output row."""
    kernel = round(taps**0.5)
    steps = np.arange(kernel, dtype=np.int32) * np.int32(dilation)
    return np.repeat(steps, kernel), np.tile(steps, kernel), row


def _over_rows(kernel: Callable[..., None], arguments: tuple[Any, ...], rows: int) -> None:
    """Run ``kernel(*arguments, start, stop)`` over rows on as many threads as PyTorch uses.

    Plain threads around code that releases the GIL, instead of Numba's parallel loops: those
    share one pool a process, which crashes when two threads enter it or the process has forked.
    """
    arrays = tuple(a.detach().numpy() if isinstance(a, Tensor) else a for a in arguments)
    threads = min(torch.get_num_threads(), rows)
    if threads <= 1:
        kernel(*arrays, 0, rows)
        return
    edges = [rows * part // (4 * threads) for part in range(4 * threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # Listing the results raises what a thread raised.
        list(pool.map(lambda start, stop: kernel(*arrays, start, stop), edges[:-1], edges[1:]))


def _jit(function: Kernel) -> Kernel:
    """Compile at the first call, and keep the machine code on disk where a folder allows it."""
    options = {"nogil": True, "fastmath": FASTMATH, "error_model": "numpy"}
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        compiled = numba.njit(**options)(function)
    return compiled  # type: ignore[no-any-return]


@numba.njit(inline="always")
def _locate(offsets, steps, origin, last, truncate, near, far, fraction):
    """Split ``origin + steps + offsets`` into two neighbours in [0, last] and their fraction."""
    for t in range(offsets.size):
        offset = offsets[t]
        whole = np.trunc(offset) if truncate else np.floor(offset)
        fraction[t] = offset - whole
        # Comparisons in this order send NaN to the border too, where reading is safe.
        bounded = whole if whole > -FAR else -FAR
        bounded = bounded if bounded < FAR else FAR
        start = origin + steps[t] + int32(bounded)
        near[t] = min(max(start, 0), last)
        far[t] = min(max(start + 1, 0), last)


@functools.cache
def _forward(lanes: int, truncate: bool) -> Callable[..., None]:
    """The forward kernel for one number of lanes: a constant, so that LLVM unrolls it."""

    def kernel(image, weight, offset_y, offset_x, out, down, right, row, start, stop):
        _, rows, columns, _ = image.shape
        _, height, width, taps = weight.shape
        pixels = image.reshape(-1)
        top, bottom = np.empty(taps, np.int32), np.empty(taps, np.int32)
        left, right_ = np.empty(taps, np.int32), np.empty(taps, np.int32)
        fy, fx = np.empty(taps, image.dtype), np.empty(taps, image.dtype)
        total = np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            base = n * rows * columns
            for j in range(width):
                _locate(
                    offset_y[n, i, j],
                    down,
                    int32(row + i),
                    int32(rows - 1),
                    truncate,
                    top,
                    bottom,
                    fy,
                )
                _locate(
                    offset_x[n, i, j],
                    right,
                    int32(j),
                    int32(columns - 1),
                    truncate,
                    left,
                    right_,
                    fx,
                )
                total[:] = 0
                for t in range(taps):
                    w = weight[n, i, j, t]
                    y0 = base + top[t] * columns
                    y1 = base + bottom[t] * columns
                    p00 = uintp((y0 + left[t]) * lanes)
                    p01 = uintp((y0 + right_[t]) * lanes)
                    p10 = uintp((y1 + left[t]) * lanes)
                    p11 = uintp((y1 + right_[t]) * lanes)
                    w1 = w * fy[t]
                    w0 = w - w1
                    a01 = w0 * fx[t]
                    a00 = w0 - a01
                    a11 = w1 * fx[t]
                    a10 = w1 - a11
                    for c in range(lanes):
                        total[c] += (
                            a00 * pixels[p00 + c]
                            + a01 * pixels[p01 + c]
                            + a10 * pixels[p10 + c]
                            + a11 * pixels[p11 + c]
                        )
                for c in range(out.shape[3]):
                    out[n, i, j, c] = total[c]

    return _jit(kernel)


@functools.cache
def _backward_maps(lanes: int, truncate: bool) -> Callable[..., None]:
    """The kernel for the gradients of weight and offsets."""

    def kernel(
        grad,
        image,
        weight,
        offset_y,
        offset_x,
        of_weight,
        of_y,
        of_x,
        down,
        right,
        row,
        start,
        stop,
    ):
        _, rows, columns, _ = image.shape
        _, height, width, taps = weight.shape
        pixels = image.reshape(-1)
        top, bottom = np.empty(taps, np.int32), np.empty(taps, np.int32)
        left, right_ = np.empty(taps, np.int32), np.empty(taps, np.int32)
        fy, fx = np.empty(taps, image.dtype), np.empty(taps, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            base = n * rows * columns
            for j in range(width):
                _locate(
                    offset_y[n, i, j],
                    down,
                    int32(row + i),
                    int32(rows - 1),
                    truncate,
                    top,
                    bottom,
                    fy,
                )
                _locate(
                    offset_x[n, i, j],
                    right,
                    int32(j),
                    int32(columns - 1),
                    truncate,
                    left,
                    right_,
                    fx,
                )
                g = grad[n, i, j]
                for t in range(taps):
                    y0 = base + top[t] * columns
                    y1 = base + bottom[t] * columns
                    p00 = uintp((y0 + left[t]) * lanes)
                    p01 = uintp((y0 + right_[t]) * lanes)
                    p10 = uintp((y1 + left[t]) * lanes)
                    p11 = uintp((y1 + right_[t]) * lanes)
                    zero = fy[t] - fy[t]
                    s00 = s01 = s10 = s11 = zero
                    for c in range(lanes):
                        s00 += g[c] * pixels[p00 + c]
                        s01 += g[c] * pixels[p01 + c]
                        s10 += g[c] * pixels[p10 + c]
                        s11 += g[c] * pixels[p11 + c]
                    upper = s00 + (s01 - s00) * fx[t]
                    lower = s10 + (s11 - s10) * fx[t]
                    w = weight[n, i, j, t]
                    of_weight[n, i, j, t] = upper + (lower - upper) * fy[t]
                    of_y[n, i, j, t] = w * (lower - upper)
                    of_x[n, i, j, t] = w * ((s01 - s00) * (1 - fy[t]) + (s11 - s10) * fy[t])

    return _jit(kernel)


@functools.cache
def _backward_input(lanes: int, truncate: bool) -> Callable[..., None]:
    """The kernel for the input's gradient: a thread owns rows of it and reads all maps.

    Every element is summed in the order of the output's pixels, whatever the number of threads.
    """

    def kernel(grad, weight, offset_y, offset_x, image, down, right, row, start, stop):
        _, rows, columns, _ = image.shape
        _, height, width, taps = weight.shape
        pixels = image.reshape(-1)
        top, bottom = np.empty(taps, np.int32), np.empty(taps, np.int32)
        left, right_ = np.empty(taps, np.int32), np.empty(taps, np.int32)
        fy, fx = np.empty(taps, image.dtype), np.empty(taps, image.dtype)
        for n in range(start // rows, (stop - 1) // rows + 1):
            first, beyond = start - n * rows, stop - n * rows
            for i in range(height):
                for j in range(width):
                    _locate(
                        offset_y[n, i, j],
                        down,
                        int32(row + i),
                        int32(rows - 1),
                        truncate,
                        top,
                        bottom,
                        fy,
                    )
                    _locate(
                        offset_x[n, i, j],
                        right,
                        int32(j),
                        int32(columns - 1),
                        truncate,
                        left,
                        right_,
                        fx,
                    )
                    g = grad[n, i, j]
                    for t in range(taps):
                        lower = weight[n, i, j, t] * fy[t]
                        upper = weight[n, i, j, t] - lower
                        if first <= top[t] < beyond:
                            y0 = (n * rows + top[t]) * columns
                            a = upper * fx[t]
                            p0 = uintp((y0 + left[t]) * lanes)
                            p1 = uintp((y0 + right_[t]) * lanes)
                            for c in range(lanes):
                                pixels[p0 + c] += (upper - a) * g[c]
                            for c in range(lanes):
                                pixels[p1 + c] += a * g[c]
                        if first <= bottom[t] < beyond:
                            y1 = (n * rows + bottom[t]) * columns
                            a = lower * fx[t]
                            p0 = uintp((y1 + left[t]) * lanes)
                            p1 = uintp((y1 + right_[t]) * lanes)
                            for c in range(lanes):
                                pixels[p0 + c] += (lower - a) * g[c]
                            for c in range(lanes):
                                pixels[p1 + c] += a * g[c]

    return _jit(kernel)
