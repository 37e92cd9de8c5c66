"""Twins: our operations written with operations that every runtime has.

Files for other runtimes must not hold our operations. Each twin takes the arguments of the
registered operation and computes the same values; it has no strips and no special memory layout.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops import (
    cubic_warp_reference,
    details_reference,
    refine_flow_reference,
    warp_reference,
)
from cdfi.ops.match_features.reference import normalised


def adacof(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """Compute ``cdfi::adacof`` one row of the kernel at a time: K taps in each gather."""
    kernel = math.isqrt(weight.shape[1])
    height, width = weight.shape[2:]
    rows = torch.arange(height, device=input.device)[:, None] + row
    columns = torch.arange(width, device=input.device) + _steps(kernel, dilation, input)
    total = torch.zeros_like(input[:, :, :height, :width])
    for k in range(kernel):
        taps = slice(k * kernel, (k + 1) * kernel)
        y = _neighbours(offset_y[:, taps], rows + k * dilation, input.shape[2], rounding)
        x = _neighbours(offset_x[:, taps], columns, input.shape[3], rounding)
        samples = sum(
            _pixels(input, i, j) * (a * b * weight[:, taps])[:, None] for i, a in y for j, b in x
        )
        assert isinstance(samples, Tensor)
        total = total + samples.sum(2)
    return total


def _steps(kernel: int, dilation: int, like: Tensor) -> Tensor:
    """Return the columns of the taps of one row of the kernel: (K, 1, 1)."""
    return torch.arange(0, kernel * dilation, dilation, device=like.device)[:, None, None]


def _neighbours(
    offset: Tensor, origin: Tensor, size: int, rounding: str
) -> list[tuple[Tensor, Tensor]]:
    """Return both neighbours of ``origin + offset``, clamped to [0, size), with their weights."""
    integer = offset.trunc() if rounding == "trunc" else offset.floor()
    fraction = offset - integer
    first = origin + integer.clamp(-2 * size, 2 * size).long()
    return [
        (first.clamp(0, size - 1), 1 - fraction),
        ((first + 1).clamp(0, size - 1), fraction),
    ]


def _pixels(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return the pixels of (N, C, H', W') at integer positions (N, K, H, W): (N, C, K, H, W)."""
    channels, width = image.shape[1], image.shape[3]
    index = (y * width + x).flatten(1)[:, None].expand(-1, channels, -1)
    return image.flatten(2).gather(2, index).reshape(-1, channels, *y.shape[1:])


def cost_volume(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Compute ``cdfi::cost_volume``, all columns of the search window at once."""
    height, width = features0.shape[2:]
    features0, features1 = (F.pad(x, [radius] * 4) for x in (features0, features1))
    last, side = 2 * radius, range(2 * radius + 1)
    shifted0 = torch.stack([features0[:, :, :, last - x : last - x + width] for x in side], 1)
    shifted1 = torch.stack([features1[:, :, :, x : x + width] for x in side], 1)
    rows = [
        (shifted0[..., last - y : last - y + height, :] * shifted1[..., y : y + height, :]).sum(2)
        for y in side
    ]
    return torch.cat(rows, 1)


def match_features(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    """Compute ``cdfi::match_features``."""
    warped0, warped1 = warp_reference(features0, flow0), warp_reference(features1, flow1)
    volume = cost_volume(normalised(warped0), normalised(warped1), radius)
    return torch.cat((warped0, warped1, volume / features0.shape[1]), 1)


#: Name of each operation that networks call in a forward pass -> its twin.
TWINS: dict[str, Callable[..., Any]] = {
    "adacof": adacof,
    "cost_volume": cost_volume,
    "cubic_warp": cubic_warp_reference,
    "details": details_reference,
    "match_features": match_features,
    "refine_flow": refine_flow_reference,
    "warp": warp_reference,
}


def decompositions() -> dict[Any, Callable[..., Any]]:
    """Return the twins as ``ExportedProgram.run_decompositions`` takes them."""
    return {getattr(torch.ops.cdfi, name).default: twin for name, twin in TWINS.items()}
