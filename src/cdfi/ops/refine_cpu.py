"""Registration on the CPU: what a step does to a row, as Numba loops along its columns."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.ops.cpu_kernels import compiled, inlined
from cdfi.ops.refine import FAINT, FLAT, LONGEST, PRODUCTS, RADIUS
from cdfi.ops.threads import over_lines

Array = np.ndarray[Any, Any]

_BOX = np.ones(2 * RADIUS + 1) / (2 * RADIUS + 1)
#: Two box filters one after the other, as one.
WINDOW = np.convolve(_BOX, _BOX)


def improve(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """A level's shift (N, 2, H, W), and both frames where it leads; in float32 or float64."""
    batch, channels, height, width = frame0.shape
    dtype = flow.numpy().dtype
    images = [x.permute(0, 2, 3, 1).contiguous().numpy() for x in (frame0, frame1)]
    ways = flow.contiguous().numpy()
    now, proposed = np.zeros((2, batch, 2, height, width), dtype)
    window = WINDOW.astype(dtype)

    def empty(planes: int) -> Array:
        return np.empty((batch, planes, height, width), dtype)

    sides, new_sides = empty(2 * channels), empty(2 * channels)
    error, gap = np.full((batch, 1, height, width), np.inf, dtype), empty(1)
    products = empty(PRODUCTS)
    lines = batch * height
    for step in range(steps + 2):  # no shift, the coarser one, then what steps lead to
        if step == 1:
            proposed[:] = start.numpy()
        elif step:
            over_lines(_multiply, lines, sides, products)
            over_lines(_propose, lines, products, window, now, proposed)
        seen = new_sides if step else sides
        over_lines(_sample, lines, *images, ways, proposed, seen, gap)
        over_lines(_keep_better, lines, gap, window, proposed, seen, now, sides, error)
    return torch.from_numpy(now), torch.from_numpy(sides)


@inlined
def _place(at: float, last: int) -> tuple[int, int, float]:
    """The two neighbours of a position, clamped to 0 ... last, and the share of the second."""
    at = min(max(at, 0.0), last)  # NaN ends up at 0, where reading is safe
    first = int(at)
    return first, min(first + 1, last), at - first


@compiled
def _sample(
    image0: Array,
    image1: Array,
    flow: Array,
    shift: Array,
    sides: Array,
    gap: Array,
    start: int,
    stop: int,
) -> None:
    """Both images where flow and shift lead; the mean square of their difference."""
    _, height, width, channels = image0.shape
    zero = gap.dtype.type(0)
    for line in range(start, stop):
        n, i = line // height, line % height
        for j in range(width):
            down, right = shift[n, 0, i, j], shift[n, 1, i, j]
            y, y1, fy = _place(i + flow[n, 0, i, j] - down, height - 1)
            x, x1, fx = _place(j + flow[n, 1, i, j] - right, width - 1)
            v, v1, gy = _place(i + flow[n, 2, i, j] + down, height - 1)
            u, u1, gx = _place(j + flow[n, 3, i, j] + right, width - 1)
            total = zero
            for c in range(channels):
                top = image0[n, y, x, c] + fx * (image0[n, y, x1, c] - image0[n, y, x, c])
                low = image0[n, y1, x, c] + fx * (image0[n, y1, x1, c] - image0[n, y1, x, c])
                first = top + fy * (low - top)
                top = image1[n, v, u, c] + gx * (image1[n, v, u1, c] - image1[n, v, u, c])
                low = image1[n, v1, u, c] + gx * (image1[n, v1, u1, c] - image1[n, v1, u, c])
                second = top + gy * (low - top)
                sides[n, c, i, j], sides[n, channels + c, i, j] = first, second
                total += (second - first) * (second - first)
            gap[n, 0, i, j] = total / channels


@compiled
def _multiply(sides: Array, products: Array, start: int, stop: int) -> None:
    """The products of gradients and differences, trusted less where the sides differ much."""
    _, planes, height, width = sides.shape
    channels = planes // 2
    one = sides.dtype.type(1)
    faint, share = sides.dtype.type(FAINT), one / sides.dtype.type(channels)
    quarter = one / sides.dtype.type(4)  # a central difference of a mean of two
    gap = np.empty(width, sides.dtype)
    for line in range(start, stop):
        n, i = line // height, line % height
        above, below = max(i - 1, 0), min(i + 1, height - 1)
        out = products[n, :, i]
        out[:] = 0
        gap[:] = 0
        for c in range(channels):
            first, second = sides[n, c], sides[n, channels + c]
            for j in range(width):
                left, right = max(j - 1, 0), min(j + 1, width - 1)
                down = first[below, j] - first[above, j] + second[below, j] - second[above, j]
                side = first[i, right] - first[i, left] + second[i, right] - second[i, left]
                down, side = down * quarter, side * quarter
                difference = second[i, j] - first[i, j]
                out[0, j] += down * down
                out[1, j] += down * side
                out[2, j] += side * side
                out[3, j] += down * difference
                out[4, j] += side * difference
                gap[j] += difference * difference
        for j in range(width):
            gap[j] = share * faint / np.sqrt(gap[j] * share + faint * faint)
        for k in range(PRODUCTS):
            for j in range(width):
                out[k, j] *= gap[j]


@inlined
def _windowed(plane: Array, window: Array, i: int, tall: Array, out: Array) -> None:
    """Row i of a plane's windowed mean, edges repeated. ``tall`` is scratch for a row."""
    height, width = plane.shape
    reach = window.size // 2
    middle = tall[reach : reach + width]
    middle[:] = 0
    for k in range(window.size):
        row, share = plane[min(max(i + k - reach, 0), height - 1)], window[k]
        for j in range(width):
            middle[j] += share * row[j]
    tall[:reach] = middle[0]
    tall[reach + width :] = middle[width - 1]
    out[:] = 0
    for k in range(window.size):
        moved_row, share = tall[k : k + width], window[k]
        for j in range(width):
            out[j] += share * moved_row[j]


@compiled
def _propose(
    products: Array, window: Array, shift: Array, proposed: Array, start: int, stop: int
) -> None:
    """Solve each place's two equations, and move by what they say, at most ``LONGEST``."""
    _, _, height, width = products.shape
    kind = products.dtype.type
    flat, longest, two = kind(FLAT), kind(LONGEST), kind(2)
    means, tall = np.empty((PRODUCTS, width), products.dtype), _row(products, window)
    for line in range(start, stop):
        n, i = line // height, line % height
        for k in range(PRODUCTS):
            _windowed(products[n, k], window, i, tall, means[k])
        for j in range(width):
            yy, yx, xx = means[0, j] + flat, means[1, j], means[2, j] + flat
            yd, xd = means[3, j], means[4, j]
            share = two * (yy * xx - yx * yx)
            down, right = (yx * xd - xx * yd) / share, (yx * yd - yy * xd) / share
            length = np.sqrt(down * down + right * right)
            limit = longest / max(length, longest)
            proposed[n, 0, i, j] = shift[n, 0, i, j] + down * limit
            proposed[n, 1, i, j] = shift[n, 1, i, j] + right * limit


@compiled
def _keep_better(
    gap: Array,
    window: Array,
    proposed: Array,
    new_sides: Array,
    shift: Array,
    sides: Array,
    error: Array,
    start: int,
    stop: int,
) -> None:
    """Take over each place's proposal whose window differs less."""
    _, _, height, width = gap.shape
    mean, tall = np.empty(width, gap.dtype), _row(gap, window)
    for line in range(start, stop):
        n, i = line // height, line % height
        _windowed(gap[n, 0], window, i, tall, mean)
        for j in range(width):
            if mean[j] < error[n, 0, i, j]:
                error[n, 0, i, j] = mean[j]
                shift[n, 0, i, j], shift[n, 1, i, j] = proposed[n, 0, i, j], proposed[n, 1, i, j]
                for c in range(sides.shape[1]):
                    sides[n, c, i, j] = new_sides[n, c, i, j]


@inlined
def _row(planes: Array, window: Array) -> Array:
    """Room for a row and for what a window looks beyond it."""
    return np.empty(planes.shape[3] + window.size - 1, planes.dtype)
