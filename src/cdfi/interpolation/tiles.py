"""The middle frame tile by tile, for frames whose U-Net alone would not fit the memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

from cdfi.interpolation.strips import middle_by_strips
from cdfi.models import Network

#: Pixels that neighbouring tiles share; results fade into each other across them.
OVERLAP = 64


def middle_by_tiles(network: Network, frame0: Tensor, frame1: Tensor, tile: int) -> Tensor:
    """The middle frame, (N, 3, H, W), unclamped, from tiles of at most ``tile`` x ``tile`` pixels.

    A tile sees nothing beyond its edge, so the result is near but not equal to the whole frame's.

    Args:
        tile: pixels on a side, more than twice the overlap of 64.
    """
    height, width = frame0.shape[-2:]
    total = torch.zeros_like(frame0, dtype=torch.float32)
    weights = total.new_zeros(1, 1, height, width)
    for top, bottom in _spans(height, tile):
        for left, right in _spans(width, tile):
            part = (..., slice(top, bottom), slice(left, right))
            middle = middle_by_strips(network, frame0[part], frame1[part])
            weight = _ramp(top, bottom, height, total)[:, None] * _ramp(left, right, width, total)
            total[part] += middle * weight
            weights[part] += weight
    return total / weights


def _spans(length: int, tile: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most ``tile`` that cover ``length``, sharing at least the overlap."""
    count = max(1, -(-(length - OVERLAP) // (tile - OVERLAP)))
    for i in range(count):
        start = 0 if count == 1 else (length - tile) * i // (count - 1)
        yield start, min(start + tile, length)


def _ramp(start: int, stop: int, length: int, like: Tensor) -> Tensor:
    """1 inside, falling to almost 0 across the overlap at edges that are not the frame's."""
    place = torch.arange(stop - start, device=like.device, dtype=like.dtype) + 0.5
    ramp = torch.ones_like(place)
    if start > 0:
        ramp = torch.minimum(ramp, place / OVERLAP)
    if stop < length:
        ramp = torch.minimum(ramp, place.flip(0) / OVERLAP)
    return ramp
