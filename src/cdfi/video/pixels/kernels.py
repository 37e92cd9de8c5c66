"""Planar YUV to RGB and back in one pass each, compiled: the fast form of ``colour.Converter``.

They compute the same as the tensor operations there, for chroma subsampled by at most two, without
a dozen intermediate planes in memory. The interpreter's lock is released while they run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdfi.common.numba import compiled

Codes = NDArray[Any]
Floats = NDArray[np.float32]


@compiled
def _half(count: int, halved: bool) -> int:
    """Return the number of chroma samples of ``count`` luma samples."""
    return (count + 1) // 2 if halved else count


@compiled
def _neighbour(index: int, halved: bool, cosited: bool, count: int) -> tuple[int, int, float]:
    """Return the two chroma samples beside a luma position, and the weight of the second."""
    if not halved:
        return index, index, 0.0
    near = index // 2
    if cosited:
        other = min(near + 1, count - 1)
        return near, other, 0.5 * (index % 2)
    other = min(near + 1, count - 1) if index % 2 else max(near - 1, 0)
    return near, other, 0.25


@compiled
def yuv_to_rgb(
    planes: tuple[Codes, Codes, Codes],
    strides: tuple[int, int, int],
    rgb: Floats,
    levels: Floats,
    hues: Floats,
    halved: tuple[bool, bool],
    cosited: tuple[bool, bool],
) -> None:
    """Fill ``rgb`` (3, H, W) from code planes (flat, a line every so many samples).

    ``levels``: luma's scale and offset, chroma's scale and offset, as ``code * scale + offset``;
    ``hues``: red from Cr, green from Cb, green from Cr, blue from Cb. ``halved`` and ``cosited``:
    (across, down), the subsampling and the position of the chroma samples.
    """
    luma, blue, red = planes
    _, rows, columns = rgb.shape
    small_rows, small = _half(rows, halved[1]), _half(columns, halved[0])
    low_blue, low_red = np.empty(small, np.float32), np.empty(small, np.float32)
    wide_blue, wide_red = np.empty(columns, np.float32), np.empty(columns, np.float32)
    for i in range(rows):
        near, other, weight = _neighbour(i, halved[1], cosited[1], small_rows)
        keep, weight32 = np.float32(1.0 - weight), np.float32(weight)
        first, second = blue[near * strides[1] :], blue[other * strides[1] :]
        third, fourth = red[near * strides[2] :], red[other * strides[2] :]
        for j in range(small):
            b = keep * np.float32(first[j]) + weight32 * np.float32(second[j])
            r = keep * np.float32(third[j]) + weight32 * np.float32(fourth[j])
            low_blue[j] = b * levels[2] + levels[3]
            low_red[j] = r * levels[2] + levels[3]
        _widen(low_blue, wide_blue, halved[0], cosited[0])
        _widen(low_red, wide_red, halved[0], cosited[0])
        line = luma[i * strides[0] :]
        for j in range(columns):
            y = np.float32(line[j]) * levels[0] + levels[1]
            rgb[0, i, j] = y + hues[0] * wide_red[j]
            rgb[1, i, j] = y + hues[1] * wide_blue[j] + hues[2] * wide_red[j]
            rgb[2, i, j] = y + hues[3] * wide_blue[j]


@compiled
def _widen(low: Floats, wide: Floats, halved: bool, cosited: bool) -> None:
    """Upsample one row of chroma to the width of luma."""
    small, columns = low.shape[0], wide.shape[0]
    if not halved:
        for j in range(columns):  # an assignment of arrays takes four seconds to compile
            wide[j] = low[j]
        return
    quarter, half = np.float32(0.25), np.float32(0.5)
    if cosited:
        for j in range(columns // 2):
            wide[2 * j] = low[j]
            wide[2 * j + 1] = half * (low[j] + low[min(j + 1, small - 1)])
        if columns % 2:
            wide[columns - 1] = low[small - 1]
        return
    for j in range(columns):
        k = j // 2
        other = min(k + 1, small - 1) if j % 2 else max(k - 1, 0)
        wide[j] = low[k] + quarter * (low[other] - low[k])


@compiled
def rgb_to_yuv(
    rgb: Floats,
    planes: tuple[Codes, Codes, Codes],
    strides: tuple[int, int, int],
    levels: Floats,
    weights: Floats,
    peak: int,
    halved: tuple[bool, bool],
    cosited: tuple[bool, bool],
) -> None:
    """Fill the code planes from ``rgb`` (3, H, W).

    ``levels``: luma's scale and offset, Cb's scale, Cr's scale, chroma's offset, as
    ``value * scale + offset``; ``weights``: of R, G, B in luma.
    """
    luma, blue, red = planes
    _, rows, columns = rgb.shape
    high = np.float32(peak)
    for i in range(rows):
        line = luma[i * strides[0] :]
        for j in range(columns):
            y = weights[0] * rgb[0, i, j] + weights[1] * rgb[1, i, j] + weights[2] * rgb[2, i, j]
            code = y * levels[0] + levels[1] + np.float32(0.5)
            line[j] = min(max(code, np.float32(0)), high)
    small_rows, small = _half(rows, halved[1]), _half(columns, halved[0])
    sum_blue, sum_red = np.empty(columns, np.float32), np.empty(columns, np.float32)
    low_blue, low_red = np.empty(small, np.float32), np.empty(small, np.float32)
    for i in range(small_rows):
        _differences(rgb, weights, i, halved[1], cosited[1], sum_blue, sum_red)
        _narrow(sum_blue, low_blue, halved[0], cosited[0])
        _narrow(sum_red, low_red, halved[0], cosited[0])
        for j in range(small):
            b = low_blue[j] * levels[2] + levels[4] + np.float32(0.5)
            r = low_red[j] * levels[3] + levels[4] + np.float32(0.5)
            blue[i * strides[1] + j] = min(max(b, np.float32(0)), high)
            red[i * strides[2] + j] = min(max(r, np.float32(0)), high)


@compiled
def _differences(
    rgb: Floats,
    weights: Floats,
    row: int,
    halved: bool,
    cosited: bool,
    sum_blue: Floats,
    sum_red: Floats,
) -> None:
    """Compute B - Y and R - Y of a row of chroma at the width of luma, filtered vertically."""
    rows = rgb.shape[1]
    sum_blue[:] = 0
    sum_red[:] = 0
    if not halved or cosited:
        _accumulate(rgb, weights, row * 2 if halved else row, 1.0, sum_blue, sum_red)
        return
    for tap in range(4):
        weight = 0.75 if tap == 1 or tap == 2 else -0.25
        index = max(2 * row - 1 + tap, 0)
        if index < rows:
            _accumulate(rgb, weights, index, weight, sum_blue, sum_red)
        elif rows % 2 == 0 or rows == 1:
            _accumulate(rgb, weights, rows - 1, weight, sum_blue, sum_red)
        else:  # the row that an odd height lacks, as upsampling would have filled it
            _accumulate(rgb, weights, rows - 1, 1.5 * weight, sum_blue, sum_red)
            _accumulate(rgb, weights, rows - 2, -0.5 * weight, sum_blue, sum_red)


@compiled
def _accumulate(
    rgb: Floats, weights: Floats, row: int, weight: float, sum_blue: Floats, sum_red: Floats
) -> None:
    factor = np.float32(weight)
    for j in range(rgb.shape[2]):
        r, g, b = rgb[0, row, j], rgb[1, row, j], rgb[2, row, j]
        y = weights[0] * r + weights[1] * g + weights[2] * b
        sum_blue[j] += factor * (b - y)
        sum_red[j] += factor * (r - y)


@compiled
def _narrow(wide: Floats, low: Floats, halved: bool, cosited: bool) -> None:
    """Downsample one row from the width of luma to that of chroma: the inverse of ``_widen``."""
    columns, small = wide.shape[0], low.shape[0]
    if not halved:
        for j in range(small):
            low[j] = wide[j]
        return
    if cosited:
        for j in range(small):
            low[j] = wide[2 * j]
        return
    near, far = np.float32(0.75), np.float32(0.25)
    beyond = wide[columns - 1]
    if columns % 2 and columns > 1:
        beyond = np.float32(1.5) * wide[columns - 1] - np.float32(0.5) * wide[columns - 2]
    for j in range(small):
        before = wide[max(2 * j - 1, 0)]
        last = wide[2 * j + 1] if 2 * j + 1 < columns else beyond
        after = wide[2 * j + 2] if 2 * j + 2 < columns else last
        low[j] = near * (wide[2 * j] + last) - far * (before + after)
