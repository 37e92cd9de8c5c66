"""The cost volume on the CPU, row by row: Numba loops whose innermost runs along the columns."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.common.numba import compiled
from cdfi.common.threads import over_lines

Array = np.ndarray[Any, Any]


def forward(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """The volume (N, D * D, H, W), channels-last; half precision is computed in float32."""
    batch, _, height, width = first.shape
    planes = _planes(first), _planes(second)
    volume = np.empty((batch, height, width, (2 * radius + 1) ** 2), planes[0].dtype)
    over_lines(_forward, batch * height, *planes, radius, volume)
    return torch.from_numpy(volume).permute(0, 3, 1, 2).to(first.dtype)


def backward(grad: Tensor, other: Tensor, radius: int, sign: int) -> Tensor:
    """The gradient of ``first`` (sign 1) or ``second`` (-1); ``other`` is the one it met."""
    batch, _, height, _ = other.shape
    planes = _planes(grad), _planes(other)
    result = np.zeros(other.shape, planes[0].dtype)
    over_lines(_backward, batch * height, *planes, radius, sign, result)
    return torch.from_numpy(result).to(other.dtype)


def _planes(x: Tensor) -> Array:
    """Channel by channel in memory, in a precision that the kernels know."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    planes: Array = x.detach().to(dtype).contiguous().numpy()
    return planes


@compiled
def _forward(
    first: Array, second: Array, radius: int, volume: Array, start: int, stop: int
) -> None:
    _, channels, height, width = first.shape
    side = 2 * radius + 1
    sums = np.empty((side * side, width), first.dtype)
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
                before = first[n, c, i - down, edge - right : width - edge - right]
                after = second[n, c, i + down, edge + right : width - edge + right]
                for j in range(total.size):
                    total[j] += before[j] * after[j]
        for j in range(width):
            for d in range(side * side):
                volume[n, i, j, d] = sums[d, j]


@compiled
def _backward(
    grad: Array, other: Array, radius: int, sign: int, result: Array, start: int, stop: int
) -> None:
    """Whoever meets p + 2d is told by the volume at p + d: rows are gathered, never scattered."""
    _, channels, height, width = other.shape
    side = 2 * radius + 1
    for line in range(start, stop):
        n, i = line // height, line % height
        for d in range(side * side):
            down, right = sign * (d // side - radius), sign * (d % side - radius)
            low, high = max(0, -2 * right), min(width, width - 2 * right)
            if i + 2 * down < 0 or i + 2 * down >= height or low >= high:
                continue
            told = grad[n, d, i + down, low + right : high + right]
            for c in range(channels):
                met = other[n, c, i + 2 * down, low + 2 * right : high + 2 * right]
                total = result[n, c, i, low:high]
                for j in range(total.size):
                    total[j] += told[j] * met[j]
