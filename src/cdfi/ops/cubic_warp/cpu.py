"""The cubic warp on the CPU: the sixteen pixels about a position, weighted in one pass."""

import functools
from typing import Any

import numpy as np
import torch
from numba import int32
from torch import Tensor

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel, over_lines
from cdfi.ops.common.cubic import fill_axis_weights
from cdfi.ops.common.layout import pad_channels
from cdfi.ops.common.llvm import weighted_sum
from cdfi.ops.cubic_warp.reference import CUBIC
from cdfi.ops.warp.cpu import planes
from cdfi.ops.warp.reference import MARGIN

Array = np.ndarray[Any, Any]

SIDE = 4  # pixels of an axis that are read


def forward(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    """Compute :func:`cdfi.ops.cubic_warp`; channels-last in memory."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    image = pad_channels(frame.detach().to(dtype)).numpy()
    batch, _, height, width = flow.shape
    out = np.empty((batch, height, width, frame.shape[1]), image.dtype)
    maps = planes(flow, dtype), planes(sharpness, dtype)
    over_lines(_kernel(image.shape[3]), batch * height, image, *maps, out)
    return torch.from_numpy(out).permute(0, 3, 1, 2)


@functools.cache
def _kernel(lanes: int) -> Kernel:
    """Return ``kernel(image, flow, sharpness, out, start, stop)``, which fills lines of ``out``.

    ``image`` is (N, H, W, lanes), ``flow`` (N, 2, h, w), ``sharpness`` (N, 1, h, w), ``out``
    (N, h, w, C).
    """

    def kernel(
        image: Array, flow: Array, sharpness: Array, out: Array, start: int, stop: int
    ) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, channels = out.shape
        kind = image.dtype.type
        down, right = np.empty((2, SIDE), image.dtype), np.empty((2, SIDE), image.dtype)
        factor, index = np.empty((SIDE, SIDE), image.dtype), np.empty((SIDE, SIDE), np.int32)
        total = np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                top = _fill_axis(kind(i) + flow[n, 0, i, j], rows, down)
                left = _fill_axis(kind(j) + flow[n, 1, i, j], columns, right)
                for a in range(SIDE):
                    row = min(max(top + a, 0), rows - 1) * columns
                    for b in range(SIDE):
                        index[a, b] = int32(row + min(max(left + b, 0), columns - 1))
                        cubic, linear = down[0, a] * right[0, b], down[1, a] * right[1, b]
                        factor[a, b] = linear + sharpness[n, 0, i, j] * (cubic - linear)
                weighted_sum(pixels, index, factor, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]

    return compiled(kernel)


@inlined
def _fill_axis(position: float, size: int, weights: Array) -> int:
    """Fill the cubic and the linear weights (2, 4) of an axis; return the first pixel, unclamped.

    A position that is NaN counts as 0.
    """
    kind = weights.dtype.type
    if np.isnan(position):
        position = kind(0)
    position = min(max(position, kind(-MARGIN)), kind(size) + kind(MARGIN))
    first = int(np.floor(position))
    fill_axis_weights(position - kind(first), CUBIC, weights[0], weights[1])
    return first - 1
