"""Flow refinement as Numba loops over rows of pixels.

A kernel processes the lines ``start`` to ``stop`` of the rows of all images in order. Images are
(N, H, W, C), all other arrays (N, planes, H, W), C-ordered.
"""

from typing import Any

import numpy as np

from cdfi.common.numba import compiled, inlined
from cdfi.ops.refine_flow.reference import (
    ACCEPT_RATIO,
    MAX_STEP,
    PRODUCTS,
    RADIUS,
    REGULARISATION,
    ROBUST_SCALE,
)

Array = np.ndarray[Any, Any]

_BOX = np.ones(2 * RADIUS + 1) / (2 * RADIUS + 1)
#: Two box filters in sequence, as one.
WINDOW = np.convolve(_BOX, _BOX)


@inlined
def _locate(position: float, last: float) -> tuple[np.uint64, np.uint64, float]:
    """Split a position clamped to 0 ... last into a pixel, the next one's distance, a fraction.

    Integers are unsigned: Numba would check at every read whether a signed index is negative.
    """
    # Comparisons in this order send NaN to 0, where reading is safe.
    position = min(position if position > 0 else last * 0, last)
    first = np.uint64(position)
    return first, np.uint64(position < last), position - type(position)(first)


@inlined
def _bilinear_weights(fy: float, fx: float) -> tuple[float, float, float, float]:
    """Return the weights of the neighbours: top left, top right, bottom left, bottom right."""
    last = fy * fx
    return type(last)(1) - fy - fx + last, fx - last, fy - last, last


@compiled
def sample(
    image0: Array,
    image1: Array,
    flow: Array,
    shift: Array,
    sides: Array,
    residual: Array,
    start: int,
    stop: int,
) -> None:
    """Warp both images by flow and shift; compute the mean square of their difference."""
    _, height, width, channels = image0.shape
    kind = residual.dtype.type
    bottom, end, average = kind(height - 1), kind(width - 1), kind(1) / kind(channels)
    pixel, row = np.uint64(channels), np.uint64(width * channels)
    for line in range(start, stop):
        n, i = line // height, line % height
        colours0, colours1 = image0[n].reshape(-1), image1[n].reshape(-1)
        for j in range(width):
            down, right = shift[n, 0, i, j], shift[n, 1, i, j]
            y0, dy0, fy0 = _locate(kind(i) + flow[n, 0, i, j] - down, bottom)
            x0, dx0, fx0 = _locate(kind(j) + flow[n, 1, i, j] - right, end)
            y1, dy1, fy1 = _locate(kind(i) + flow[n, 2, i, j] + down, bottom)
            x1, dx1, fx1 = _locate(kind(j) + flow[n, 3, i, j] + right, end)
            a, b, c, d = _bilinear_weights(fy0, fx0)
            e, f, g, h = _bilinear_weights(fy1, fx1)
            at0, dx0, dy0 = y0 * row + x0 * pixel, dx0 * pixel, dy0 * row
            at1, dx1, dy1 = y1 * row + x1 * pixel, dx1 * pixel, dy1 * row
            total = kind(0)
            for k in range(channels):
                side0 = a * colours0[at0] + b * colours0[at0 + dx0]
                side0 += c * colours0[at0 + dy0] + d * colours0[at0 + dy0 + dx0]
                side1 = e * colours1[at1] + f * colours1[at1 + dx1]
                side1 += g * colours1[at1 + dy1] + h * colours1[at1 + dy1 + dx1]
                sides[n, k, i, j], sides[n, channels + k, i, j] = side0, side1
                total += (side1 - side0) * (side1 - side0)
                at0 += np.uint64(1)
                at1 += np.uint64(1)
            residual[n, 0, i, j] = total * average


@compiled
def multiply(sides: Array, products: Array, start: int, stop: int) -> None:
    """Compute the products of gradients and differences, reduced if the sides differ much."""
    _, planes, height, width = sides.shape
    channels = planes // 2
    one = sides.dtype.type(1)
    scale, average = sides.dtype.type(ROBUST_SCALE), one / sides.dtype.type(channels)
    quarter = one / sides.dtype.type(4)  # central differences of a mean of two
    robust = np.empty(width, sides.dtype)
    for line in range(start, stop):
        n, i = line // height, line % height
        above, below = max(i - 1, 0), min(i + 1, height - 1)
        out = products[n, :, i]
        out[:] = 0
        robust[:] = 0
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
                robust[j] += difference * difference
        for j in range(width):
            robust[j] = average * scale / np.sqrt(robust[j] * average + scale * scale)
        for k in range(PRODUCTS):
            for j in range(width):
                out[k, j] *= robust[j]


@compiled
def neighbour_shift(
    flow: Array, shift: Array, candidate: Array, rows: int, columns: int, start: int, stop: int
) -> None:
    """Fill ``candidate`` with the shift that gives a pixel the motion of another one."""
    _, _, height, width = shift.shape
    half = shift.dtype.type(0.5)
    for line in range(start, stop):
        n, i = line // height, line % height
        y = min(max(i + rows, 0), height - 1)
        for c in range(2):
            for j in range(width):
                x = min(max(j + columns, 0), width - 1)
                other = flow[n, 2 + c, y, x] - flow[n, c, y, x]
                own = flow[n, 2 + c, i, j] - flow[n, c, i, j]
                candidate[n, c, i, j] = shift[n, c, y, x] + half * (other - own)


@inlined
def _window_mean(plane: Array, window: Array, i: int, column_sums: Array, out: Array) -> None:
    """Fill ``out`` with row i of a plane's windowed mean; ``column_sums`` is scratch memory."""
    height, width = plane.shape
    reach = window.size // 2
    middle = column_sums[reach : reach + width]
    middle[:] = 0
    for k in range(window.size):
        row, weight = plane[min(max(i + k - reach, 0), height - 1)], window[k]
        for j in range(width):
            middle[j] += weight * row[j]
    column_sums[:reach] = middle[0]
    column_sums[reach + width :] = middle[width - 1]
    out[:] = 0
    for k in range(window.size):
        moved_row, weight = column_sums[k : k + width], window[k]
        for j in range(width):
            out[j] += weight * moved_row[j]


@compiled
def step(
    products: Array, window: Array, shift: Array, candidate: Array, start: int, stop: int
) -> None:
    """Fill ``candidate`` with shift plus Gauss-Newton step, at most ``MAX_STEP`` long."""
    _, _, height, width = products.shape
    kind = products.dtype.type
    regularisation, most, two = kind(REGULARISATION), kind(MAX_STEP), kind(2)
    means, scratch = np.empty((PRODUCTS, width), products.dtype), _column_sums(products, window)
    for line in range(start, stop):
        n, i = line // height, line % height
        for k in range(PRODUCTS):
            _window_mean(products[n, k], window, i, scratch, means[k])
        for j in range(width):
            yy, yx, xx = means[0, j] + regularisation, means[1, j], means[2, j] + regularisation
            yd, xd = means[3, j], means[4, j]
            determinant = two * (yy * xx - yx * yx)
            down, right = (yx * xd - xx * yd) / determinant, (yx * yd - yy * xd) / determinant
            length = np.sqrt(down * down + right * right)
            limit = most / max(length, most)
            candidate[n, 0, i, j] = shift[n, 0, i, j] + down * limit
            candidate[n, 1, i, j] = shift[n, 1, i, j] + right * limit


@compiled
def accept(
    residual: Array,
    window: Array,
    candidate: Array,
    new_sides: Array,
    shift: Array,
    sides: Array,
    error: Array,
    start: int,
    stop: int,
) -> None:
    """Copy each pixel's candidate to the shift if it decreases the window's residual."""
    _, _, height, width = residual.shape
    ratio = residual.dtype.type(ACCEPT_RATIO)
    mean, scratch = np.empty(width, residual.dtype), _column_sums(residual, window)
    for line in range(start, stop):
        n, i = line // height, line % height
        _window_mean(residual[n, 0], window, i, scratch, mean)
        for j in range(width):
            if mean[j] < ratio * error[n, 0, i, j]:
                error[n, 0, i, j] = mean[j]
                shift[n, 0, i, j], shift[n, 1, i, j] = candidate[n, 0, i, j], candidate[n, 1, i, j]
                for c in range(sides.shape[1]):
                    sides[n, c, i, j] = new_sides[n, c, i, j]


@inlined
def _column_sums(planes: Array, window: Array) -> Array:
    """Return scratch memory for a row and the window's reach at both ends."""
    return np.empty(planes.shape[3] + window.size - 1, planes.dtype)
