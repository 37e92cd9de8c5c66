"""The cubic warp on the CPU: the sixteen pixels about a position, weighted in one pass."""

import functools
from typing import Any

import numpy as np
import torch
from numba import int32
from torch import Tensor

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel, over_lines
from cdfi.ops.common.layout import pad_channels
from cdfi.ops.common.llvm import weighted_sum
from cdfi.ops.cubic_warp.reference import CUBIC
from cdfi.ops.warp.cpu import planes
from cdfi.ops.warp.reference import BEYOND

Array = np.ndarray[Any, Any]

SIDE = 4


def cubic_warp(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    """Return :func:`cdfi.ops.cubic_warp`, checked; channels-last in memory."""
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
        weights = np.empty((2, 2, SIDE), image.dtype)
        share, place = np.empty((SIDE, SIDE), image.dtype), np.empty((SIDE, SIDE), np.int32)
        total = np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                top = _axis(kind(i) + flow[n, 0, i, j], rows, weights[0])
                left = _axis(kind(j) + flow[n, 1, i, j], columns, weights[1])
                sharp = sharpness[n, 0, i, j]
                for a in range(SIDE):
                    row = min(max(top + a, 0), rows - 1) * columns
                    for b in range(SIDE):
                        place[a, b] = int32(row + min(max(left + b, 0), columns - 1))
                        linear = weights[0, 1, a] * weights[1, 1, b]
                        cubic = weights[0, 0, a] * weights[1, 0, b]
                        share[a, b] = linear + sharp * (cubic - linear)
                weighted_sum(pixels, place, share, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]

    return compiled(kernel)


@inlined
def _axis(at: float, size: int, weights: Array) -> int:
    """Fill the cubic and linear weights of four pixels; return the first of them, unclamped."""
    kind = weights.dtype.type
    if np.isnan(at):
        at = kind(0)
    at = min(max(at, kind(-BEYOND)), kind(size) + kind(BEYOND))
    first = int(np.floor(at))
    share = at - kind(first)
    a, one, rest = kind(CUBIC), kind(1), kind(1) - share
    weights[0, 0] = a * share * rest * rest
    weights[0, 3] = a * rest * share * share
    weights[0, 1] = one + share * share * ((a + kind(2)) * share - (a + kind(3)))
    weights[0, 2] = one + rest * rest * ((a + kind(2)) * rest - (a + kind(3)))
    weights[1, 0] = weights[1, 3] = kind(0)
    weights[1, 1], weights[1, 2] = rest, share
    return first - 1
