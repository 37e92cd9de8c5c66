"""The fine bands of a frame on the CPU: the sixteen pixels about a place, weighed at once."""

import functools
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import int32
from torch import Tensor

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import Kernel, over_lines
from cdfi.ops.common.layout import padded
from cdfi.ops.common.llvm import weighted_sum
from cdfi.ops.details.op import AROUND, SHARPNESS

Array = np.ndarray[Any, Any]

SIDE = len(AROUND)
BEFORE = -AROUND[0]  # pixels read before a place


def details(frame: Tensor, flow: Tensor, gains: Tensor, top: int) -> Tensor:
    """:func:`cdfi.ops.details`, checked; channels-last in memory."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    image = padded(frame.to(dtype))
    batch, _, height, width = flow.shape
    out = flow.new_empty((batch, height, width, frame.shape[1]), dtype=dtype)
    maps = (x.detach().to(dtype).contiguous().numpy() for x in (flow, gains))
    border = (frame.shape[3] - width) // 2
    places = (top + border, border)
    compute = _kernel(image.shape[3])
    over_lines(compute, batch * height, image.numpy(), *maps, *places, out.numpy())
    return out.permute(0, 3, 1, 2)


class BandTable(NamedTuple):
    """What one place reads, and how much each pixel counts."""

    down: Array  # (3, 4): weights of rows: cubic, linear, and linear of what is smoothed
    right: Array  # the same of columns
    place: Array  # (4, 4) int32, pixel numbers
    share: Array  # (4, 4), their weights in both bands, by the gains


@compiled
def _new_table(image: Array) -> BandTable:
    down, right = np.empty((2, 3, SIDE), image.dtype)
    share = np.empty((SIDE, SIDE), image.dtype)
    return BandTable(down, right, np.empty((SIDE, SIDE), np.int32), share)


@functools.cache
def _kernel(lanes: int) -> Kernel:
    """``kernel(image, flow, gains, top, left, out, start, stop)`` fills ``out`` (N, h, W, C).

    ``image`` is (N, H', W', lanes); ``flow`` and ``gains`` (N, 2, h, W) begin at its pixel
    (top, left).
    """

    def kernel(
        image: Array,
        flow: Array,
        gains: Array,
        top: int,
        left: int,
        out: Array,
        start: int,
        stop: int,
    ) -> None:
        _, rows, columns, _ = image.shape
        _, height, width, channels = out.shape
        kind = image.dtype.type
        table, total = _new_table(image), np.empty(lanes, image.dtype)
        for line in range(start, stop):
            n, i = line // height, line % height
            pixels = image[n].reshape((-1, lanes))
            for j in range(width):
                y, x = kind(top + i) + flow[n, 0, i, j], kind(left + j) + flow[n, 1, i, j]
                _fill(table, y, x, gains[n, 0, i, j], gains[n, 1, i, j], rows, columns)
                weighted_sum(pixels, table.place, table.share, total, lanes)
                for c in range(channels):
                    out[n, i, j, c] = total[c]

    return compiled(kernel)


@inlined
def _fill(
    table: BandTable, y: float, x: float, lost: float, fine: float, rows: int, columns: int
) -> None:
    """Pixels and weights of the place (y, x) of an image, for these gains of the two bands."""
    first_row = _weigh(y, rows, table.down) - BEFORE
    first_column = _weigh(x, columns, table.right) - BEFORE
    down, right = table.down, table.right
    for a in range(SIDE):
        row = min(max(first_row + a, 0), rows - 1) * columns
        for b in range(SIDE):
            table.place[a, b] = int32(row + min(max(first_column + b, 0), columns - 1))
            linear = down[1, a] * right[1, b]
            share = lost * (down[0, a] * right[0, b] - linear)
            table.share[a, b] = share + fine * (linear - down[2, a] * right[2, b])


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
