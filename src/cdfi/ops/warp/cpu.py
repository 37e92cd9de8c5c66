"""The bilinear warp on the CPU: all channels of a pixel at once, channels-last."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.common.numba import compiled, inlined
from cdfi.common.threads import over_lines

Array = np.ndarray[Any, Any]


def forward(image: Tensor, flow: Tensor) -> Tensor:
    """Compute :func:`cdfi.ops.warp`; channels-last in memory."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    pixels = channels_last(image, dtype)
    batch, _, height, width = flow.shape
    out = np.empty((batch, height, width, pixels.shape[3]), pixels.dtype)
    over_lines(_warp, batch * height, pixels, planes(flow, dtype), out)
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def channels_last(x: Tensor, dtype: torch.dtype) -> Array:
    """Return (N, C, H, W) as an array (N, H, W, C)."""
    pixels: Array = x.detach().to(dtype).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def planes(x: Tensor, dtype: torch.dtype) -> Array:
    """Return (N, C, H, W) as a contiguous array of that shape."""
    array: Array = x.detach().to(dtype).contiguous().numpy()
    return array


@compiled
def _warp(image: Array, flow: Array, out: Array, start: int, stop: int) -> None:
    for line in range(start, stop):
        n, i = line // out.shape[1], line % out.shape[1]
        warp_row(image[n], flow[n, 0, i], flow[n, 1, i], i, out[n, i])


@inlined
def warp_row(image: Array, rows: Array, columns: Array, i: int, out: Array) -> None:
    """Fill row i of a warped image: ``out`` (w, C) from ``image`` (H, W, C)."""
    height, width, channels = image.shape
    kind = image.dtype.type
    for j in range(out.shape[0]):
        y, x = kind(i) + rows[j], kind(j) + columns[j]
        y = min(y, kind(height - 1)) if y > kind(0) else kind(0)  # NaN becomes 0
        x = min(x, kind(width - 1)) if x > kind(0) else kind(0)
        top, left = int(y), int(x)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        down, across = y - kind(top), x - kind(left)
        a, b = (kind(1) - down) * (kind(1) - across), (kind(1) - down) * across
        c, d = down * (kind(1) - across), down * across
        p, q, r, s = image[top, left], image[top, right], image[bottom, left], image[bottom, right]
        target = out[j]
        for k in range(channels):
            target[k] = a * p[k] + b * q[k] + c * r[k] + d * s[k]
