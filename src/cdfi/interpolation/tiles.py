"""A frame computed tile by tile, if even the coarsest step of a whole frame exceeds the memory."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

#: Pixels that neighbouring tiles share; their results are blended linearly across them.
OVERLAP = 64


def frame_by_tiles(
    compute: Callable[[Tensor, Tensor], Tensor], frame0: Tensor, frame1: Tensor, tile: int
) -> Tensor:
    """Return the frame, (N, 3, H, W), unclamped, from tiles of at most ``tile`` x ``tile`` pixels.

    A tile reads nothing beyond its edge, so the result is close but not equal to that of the whole
    frame.

    Args:
        compute: the frame of two tiles (N, 3, h, w).
        frame0: (N, 3, H, W).
        frame1: (N, 3, H, W).
        tile: pixels on a side, more than twice the overlap of 64.
    """
    height, width = frame0.shape[-2:]
    total = torch.zeros_like(frame0, dtype=torch.float32)
    weights = total.new_zeros(1, 1, height, width)
    for top, bottom in _spans(height, tile):
        for left, right in _spans(width, tile):
            part = (..., slice(top, bottom), slice(left, right))
            computed = compute(frame0[part], frame1[part])
            weight = _ramp(top, bottom, height, total)[:, None] * _ramp(left, right, width, total)
            total[part] += computed * weight
            weights[part] += weight
    return total / weights


def _spans(length: int, tile: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of at most ``tile`` that cover ``length`` and share at least the overlap."""
    count = max(1, -(-(length - OVERLAP) // (tile - OVERLAP)))
    for i in range(count):
        start = 0 if count == 1 else (length - tile) * i // (count - 1)
        yield start, min(start + tile, length)


def _ramp(start: int, stop: int, length: int, like: Tensor) -> Tensor:
    """Return 1 inside, falling to almost 0 across the overlap at edges that another tile shares."""
    position = torch.arange(stop - start, device=like.device, dtype=like.dtype) + 0.5
    ramp = torch.ones_like(position)
    if start > 0:
        ramp = torch.minimum(ramp, position / OVERLAP)
    if stop < length:
        ramp = torch.minimum(ramp, position.flip(0) / OVERLAP)
    return ramp
