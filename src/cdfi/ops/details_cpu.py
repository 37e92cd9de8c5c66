"""The fine bands of a frame on the CPU: the sixteen pixels about a place, weighed twice."""

import functools
from typing import Any

import numpy as np
import torch
from numba import int32
from torch import Tensor

from cdfi.ops.cpu import padded
from cdfi.ops.cpu_kernels import Kernel, compiled, inlined
from cdfi.ops.cpu_vectors import weighted_sum
from cdfi.ops.details import AROUND, BANDS, SHARPNESS
from cdfi.ops.threads import over_lines

Array = np.ndarray[Any, Any]

SIDE = len(AROUND)
BEFORE = -AROUND[0]  # pixels read before a place


def details(frame: Tensor, flow: Tensor, top: int) -> Tensor:
    """:func:`cdfi.ops.details`, checked; channels-last in memory."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    image = padded(frame.to(dtype))
    batch, _, height, width = flow.shape
    channels = frame.shape[1]
    out = flow.new_empty((batch, height, width, BANDS * channels), dtype=dtype)
    ways = flow.to(dtype).contiguous().numpy()
    border = (frame.shape[3] - width) // 2
    over_lines(
        *(_kernel(image.shape[3]), batch * height, image.numpy(), ways),
        *(top + border, border, out.numpy()),
    )
    return out.permute(0, 3, 1, 2)


@functools.cache
def _kernel(lanes: int) -> Kernel:
    """``kernel(image, flow, top, left, out, start, stop)`` fills ``out`` (N, h, W, 2 * C).

    ``image`` is (N, H', W', lanes), and ``flow`` (N, 2, h, W) begins at its pixel (top, left).
    """

    def kernel(
        image: Array, flow: Array, top: int, left: int, out: Array, start: int, stop: int
    ) -> None:
        _, rows, columns, _ = image.shape
        _, _, height, width = flow.shape
        kind = image.dtype.type
        channels = out.shape[3] // 2
        place = np.empty((SIDE, SIDE), np.int32)
        lost, fine = np.empty((2, SIDE, SIDE), image.dtype)
        down, right = np.empty((2, 3, SIDE), image.dtype)
        total = np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                y = _weigh(kind(top + i) + flow[n, 0, i, j], rows, down)
                x = _weigh(kind(left + j) + flow[n, 1, i, j], columns, right)
                for a in range(SIDE):
                    row = min(max(y + a - BEFORE, 0), rows - 1) * columns
                    for b in range(SIDE):
                        place[a, b] = int32(row + min(max(x + b - BEFORE, 0), columns - 1))
                        linear = down[1, a] * right[1, b]
                        lost[a, b] = down[0, a] * right[0, b] - linear
                        fine[a, b] = linear - down[2, a] * right[2, b]
                weighted_sum(pixels, place, lost, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]
                weighted_sum(pixels, place, fine, total, lanes)
                for c in range(channels):
                    out[n, i, j, channels + c] = total[c]

    return compiled(kernel)


@inlined
def _weigh(at: float, size: int, weights: Array) -> int:
    """The pixel before a place of an axis; the four about it in ``weights`` (3, 4).

    Cubic, linear, and linear of what is smoothed.
    """
    kind = weights.dtype.type
    at = min(at if at > kind(0) else kind(0), kind(size - 1))  # NaN ends up at 0
    first = int(at)
    share = at - kind(first)
    a, one, quarter = kind(SHARPNESS), kind(1), kind(0.25)
    rest = one - share
    weights[0, 0] = a * share * rest * rest
    weights[0, 3] = a * rest * share * share
    weights[0, 1] = one + share * share * ((a + kind(2)) * share - (a + kind(3)))
    weights[0, 2] = one + rest * rest * ((a + kind(2)) * rest - (a + kind(3)))
    weights[1, 0] = weights[1, 3] = kind(0)
    weights[1, 1], weights[1, 2] = rest, share
    weights[2, 0], weights[2, 1] = quarter * rest, quarter * (one + rest)
    weights[2, 2], weights[2, 3] = quarter * (one + share), quarter * share
    return first
