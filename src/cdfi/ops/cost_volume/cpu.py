"""The cost volume on the CPU, row by row: Numba loops, the innermost along the columns."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.common.numba import compiled
from cdfi.common.threads import over_lines

Array = np.ndarray[Any, Any]


def forward(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Return the volume (N, D * D, H, W), channels-last; half precision is computed in float32."""
    batch, _, height, width = features0.shape
    planes0, planes1 = _planes(features0), _planes(features1)
    volume = planes0.new_empty((batch, height, width, (2 * radius + 1) ** 2))
    images = (planes0.numpy(), planes1.numpy())
    over_lines(_forward, batch * height, *images, radius, volume.numpy())
    return volume.permute(0, 3, 1, 2).to(features0.dtype)


def backward(grad: Tensor, other: Tensor, radius: int, sign: int) -> Tensor:
    """Return the gradient of ``features0`` or ``features1``.

    Args:
        grad: (N, D * D, H, W), the gradient of the volume.
        other: (N, C, H, W), the features whose gradient is not computed.
        radius: as in :func:`forward`.
        sign: 1 for the gradient of ``features0``, -1 for that of ``features1``.
    """
    batch, _, height, _ = other.shape
    planes = _planes(other)
    result = torch.zeros_like(planes)
    arrays = (_planes(grad).numpy(), planes.numpy())
    over_lines(_backward, batch * height, *arrays, radius, sign, result.numpy())
    return result.to(other.dtype)


def _planes(x: Tensor) -> Tensor:
    """Return the tensor as contiguous (N, C, H, W), in float32 or float64."""
    return x.detach().to(torch.promote_types(x.dtype, torch.float32)).contiguous()


@compiled
def _forward(
    features0: Array, features1: Array, radius: int, volume: Array, start: int, stop: int
) -> None:
    """Fill lines ``start`` to ``stop`` of ``volume`` (N, H, W, D * D)."""
    _, channels, height, width = features0.shape
    side = 2 * radius + 1
    sums = np.empty((side * side, width), features0.dtype)
    for line in range(start, stop):
        n, i = line // height, line % height
        sums[:] = 0
        for d in range(side * side):
            down, right = d // side - radius, d % side - radius
            edge = abs(right)
            if not abs(down) <= i < height - abs(down) or 2 * edge >= width:
                continue
            total = sums[d, edge : width - edge]
            for c in range(channels):
                before = features0[n, c, i - down, edge - right : width - edge - right]
                after = features1[n, c, i + down, edge + right : width - edge + right]
                for j in range(total.size):
                    total[j] += before[j] * after[j]
        for j in range(width):
            for d in range(side * side):
                volume[n, i, j, d] = sums[d, j]


@compiled
def _backward(
    grad: Array, other: Array, radius: int, sign: int, result: Array, start: int, stop: int
) -> None:
    """Fill lines of ``result``: its gradient at p gathers from grad[p + d] * other[p + 2d]."""
    _, channels, height, width = other.shape
    side = 2 * radius + 1
    for line in range(start, stop):
        n, i = line // height, line % height
        for d in range(side * side):
            down, right = sign * (d // side - radius), sign * (d % side - radius)
            low, high = max(0, -2 * right), min(width, width - 2 * right)
            if i + 2 * down < 0 or i + 2 * down >= height or low >= high:
                continue
            grad_row = grad[n, d, i + down, low + right : high + right]
            for c in range(channels):
                other_row = other[n, c, i + 2 * down, low + 2 * right : high + 2 * right]
                total = result[n, c, i, low:high]
                for j in range(total.size):
                    total[j] += grad_row[j] * other_row[j]
