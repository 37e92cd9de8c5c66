"""Warped features and their cost volume on the CPU, written side by side into one map."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.common.numba import compiled
from cdfi.common.threads import over_lines
from cdfi.ops.match_features.reference import MIN_SQUARE
from cdfi.ops.warp.cpu import channels_last, planes, warp_row

Array = np.ndarray[Any, Any]


def forward(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    """Compute :func:`cdfi.ops.match_features`; channels-last in memory."""
    dtype = torch.promote_types(flow0.dtype, torch.float32)
    maps = channels_last(features0, dtype), channels_last(features1, dtype)
    flows = planes(flow0, dtype), planes(flow1, dtype)
    batch, height, width, channels = maps[0].shape
    out = np.empty((batch, height, width, 2 * channels + (2 * radius + 1) ** 2), maps[0].dtype)
    scale = np.empty((2, batch, height, width), out.dtype)
    over_lines(_warp_both, batch * height, *maps, *flows, out, scale)
    over_lines(_compare, batch * height, out, scale, channels, radius)
    return torch.from_numpy(out).permute(0, 3, 1, 2)


@compiled
def _warp_both(
    features0: Array,
    features1: Array,
    flow0: Array,
    flow1: Array,
    out: Array,
    scale: Array,
    start: int,
    stop: int,
) -> None:
    """Fill the warped channels of ``out``, and the factor of each vector: ``scale`` (2, N, H, W).

    The factor is the reciprocal of the root mean square over channels.
    """
    _, height, width, channels = features0.shape
    kind = out.dtype.type
    min_square = kind(MIN_SQUARE)
    for line in range(start, stop):
        n, i = line // height, line % height
        warp_row(features0[n], flow0[n, 0, i], flow0[n, 1, i], i, out[n, i, :, :channels])
        second = out[n, i, :, channels : 2 * channels]
        warp_row(features1[n], flow1[n, 0, i], flow1[n, 1, i], i, second)
        for side in range(2):
            for j in range(width):
                vector = out[n, i, j, side * channels : (side + 1) * channels]
                total = kind(0)
                for k in range(channels):
                    total += vector[k] * vector[k]
                scale[side, n, i, j] = kind(1) / np.sqrt(total / kind(channels) + min_square)


@compiled
def _compare(out: Array, scale: Array, channels: int, radius: int, start: int, stop: int) -> None:
    """Fill the channels of the cost volume from the warped ones."""
    _, height, width, _ = out.shape
    kind = out.dtype.type
    side = 2 * radius + 1
    for line in range(start, stop):
        n, i = line // height, line % height
        for j in range(width):
            volume = out[n, i, j, 2 * channels :]
            for d in range(side * side):
                down, right = d // side - radius, d % side - radius
                above, below, left, beyond = i - down, i + down, j - right, j + right
                total = kind(0)
                if min(above, below, left, beyond) >= 0 and (
                    max(above, below) < height and max(left, beyond) < width
                ):
                    a, b = out[n, above, left, :channels], out[n, below, beyond, channels:]
                    for k in range(channels):
                        total += a[k] * b[k]
                    total *= scale[0, n, above, left] * scale[1, n, below, beyond]
                volume[d] = total / kind(channels)
