"""A fixed set of shapes (blobs, polygons, boxes, rings) for the layers of synthetic scenes."""

import math
from functools import lru_cache

import torch
from torch import Tensor

EXTENT = 1.5  # an outline's square covers [-1.5, 1.5] in both of its own coordinates
_SIDE = 64


@lru_cache(maxsize=4)
def outlines(device: torch.device, count: int = 256) -> Tensor:
    """Return (count, 1, 64, 64) floats: about the signed distance to the edge, positive inside.

    The unit is the mean radius. A distance, unlike a mask, has a sharp edge at any scale. Every
    process creates the same set.
    """
    random = torch.Generator().manual_seed(0)
    axis = (torch.arange(_SIDE) + 0.5) / _SIDE * 2 * EXTENT - EXTENT
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    kinds = (_blob, _polygon, _box, _ring)
    shapes = [kinds[i % len(kinds)](x, y, random) for i in range(count)]
    return torch.stack(shapes)[:, None].to(device)


def _uniform(low: float, high: float, random: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=random))


def _blob(x: Tensor, y: Tensor, random: torch.Generator) -> Tensor:
    """Return a circle whose radius varies with the angle."""
    angle, radius = torch.atan2(y, x), torch.full_like(x, 0.85)
    for waves in range(2, 7):
        phase = _uniform(0, 2 * math.pi, random)
        radius += _uniform(0, 0.5, random) / waves * torch.cos(waves * angle + phase)
    return radius - torch.hypot(x, y)


def _polygon(x: Tensor, y: Tensor, random: torch.Generator) -> Tensor:
    """Return a regular polygon of 3 to 8 sides."""
    sector = 2 * math.pi / int(_uniform(3, 9, random))
    angle = torch.remainder(torch.atan2(y, x), sector) - sector / 2
    return math.cos(sector / 2) - torch.hypot(x, y) * torch.cos(angle)


def _box(x: Tensor, y: Tensor, random: torch.Generator) -> Tensor:
    """Return a box with rounded corners (a superellipse)."""
    power = _uniform(2.5, 10, random)
    return 1 - (x.abs() ** power + y.abs() ** power) ** (1 / power)


def _ring(x: Tensor, y: Tensor, random: torch.Generator) -> Tensor:
    """Return a thin ring, with background inside."""
    return _uniform(0.06, 0.25, random) - (torch.hypot(x, y) - 0.75).abs()
