"""Registration on the CPU: what a step does to a row, as Numba loops along its columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import over_lines
from cdfi.ops.refine_flow.op import AROUND, BETTER, FAINT, FLAT, LONGEST, PRODUCTS, RADIUS

Array = np.ndarray[Any, Any]

_BOX = np.ones(2 * RADIUS + 1) / (2 * RADIUS + 1)
#: Two box filters one after the other, as one.
WINDOW = np.convolve(_BOX, _BOX)


def improve(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, moves: Sequence[int]
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

    def look(seen: Array) -> None:
        over_lines(_sample, lines, *images, ways, proposed, seen, gap)
        over_lines(_keep_better, lines, gap, window, proposed, seen, now, sides, error)

    look(sides)  # no shift
    proposed[:] = start.numpy()
    look(new_sides)
    for move in moves:
        if not move:
            over_lines(_multiply, lines, sides, products)
            over_lines(_propose, lines, products, window, now, proposed)
            look(new_sides)
        for rows, columns in AROUND if move else ():
            over_lines(_neighbours, lines, ways, now, proposed, move * rows, move * columns)
            look(new_sides)
    return torch.from_numpy(now), torch.from_numpy(sides)


@inlined
def _place(at: float, last: float) -> tuple[np.uint64, np.uint64, float]:
    """The first neighbour of a position clamped to 0 ... last, the next one's distance, its share.

    Unsigned, as a signed index might count from the end, which Numba would check at every read.
    """
    at = min(at if at > 0 else last * 0, last)  # NaN ends up at 0, where reading is safe
    first = np.uint64(at)
    return first, np.uint64(at < last), at - type(at)(first)


@inlined
def _shares(down: float, right: float) -> tuple[float, float, float, float]:
    """Bilinear weights of the four neighbours: top left, top right, bottom left, bottom right."""
    last = down * right
    return type(last)(1) - down - right + last, right - last, down - last, last


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
    kind = gap.dtype.type
    bottom, end, share = kind(height - 1), kind(width - 1), kind(1) / kind(channels)
    pixel, row = np.uint64(channels), np.uint64(width * channels)
    for line in range(start, stop):
        n, i = line // height, line % height
        colours0, colours1 = image0[n].reshape(-1), image1[n].reshape(-1)
        for j in range(width):
            down, right = shift[n, 0, i, j], shift[n, 1, i, j]
            y, dy, fy = _place(kind(i) + flow[n, 0, i, j] - down, bottom)
            x, dx, fx = _place(kind(j) + flow[n, 1, i, j] - right, end)
            v, dv, gy = _place(kind(i) + flow[n, 2, i, j] + down, bottom)
            u, du, gx = _place(kind(j) + flow[n, 3, i, j] + right, end)
            a, b, c, d = _shares(fy, fx)
            e, f, g, h = _shares(gy, gx)
            here, dx, dy = y * row + x * pixel, dx * pixel, dy * row
            there, du, dv = v * row + u * pixel, du * pixel, dv * row
            total = kind(0)
            for k in range(channels):
                first = a * colours0[here] + b * colours0[here + dx]
                first += c * colours0[here + dy] + d * colours0[here + dy + dx]
                second = e * colours1[there] + f * colours1[there + du]
                second += g * colours1[there + dv] + h * colours1[there + dv + du]
                sides[n, k, i, j], sides[n, channels + k, i, j] = first, second
                total += (second - first) * (second - first)
                here += np.uint64(1)
                there += np.uint64(1)
            gap[n, 0, i, j] = total * share


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


@compiled
def _neighbours(
    flow: Array, shift: Array, proposed: Array, rows: int, columns: int, start: int, stop: int
) -> None:
    """Propose the motion of the place so far away, or at the border."""
    _, _, height, width = shift.shape
    half = shift.dtype.type(0.5)
    for line in range(start, stop):
        n, i = line // height, line % height
        y = min(max(i + rows, 0), height - 1)
        for c in range(2):
            for j in range(width):
                x = min(max(j + columns, 0), width - 1)
                there = flow[n, 2 + c, y, x] - flow[n, c, y, x]
                own = flow[n, 2 + c, i, j] - flow[n, c, i, j]
                proposed[n, c, i, j] = shift[n, c, y, x] + half * (there - own)


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
    share = gap.dtype.type(BETTER)
    mean, tall = np.empty(width, gap.dtype), _row(gap, window)
    for line in range(start, stop):
        n, i = line // height, line % height
        _windowed(gap[n, 0], window, i, tall, mean)
        for j in range(width):
            if mean[j] < share * error[n, 0, i, j]:
                error[n, 0, i, j] = mean[j]
                shift[n, 0, i, j], shift[n, 1, i, j] = proposed[n, 0, i, j], proposed[n, 1, i, j]
                for c in range(sides.shape[1]):
                    sides[n, c, i, j] = new_sides[n, c, i, j]


@inlined
def _row(planes: Array, window: Array) -> Array:
    """Room for a row and for what a window looks beyond it."""
    return np.empty(planes.shape[3] + window.size - 1, planes.dtype)
