"""How much two pictures of one format differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from cdfi.video.pixels.formats import layout, read_components

BLOCK = 16
SAME_LEVEL = 0.5  # 8-bit codes; the mean difference of every block of a repeat stays below

Plane = NDArray[np.generic]


def is_same(before: VideoFrame, image: VideoFrame) -> bool:
    """Return whether two pictures are the same but for rounding.

    No block of 16 x 16 samples differs by half an 8-bit code on average.
    """
    limit = SAME_LEVEL * _unit(image)
    for first, second in _planes(before, image):
        # Most pairs differ, and a few lines show it.
        if _difference(first[::BLOCK], second[::BLOCK]).mean() >= limit:
            return False
        if _blocks(first, second).max() >= limit:
            return False
    return True


def change(before: VideoFrame, image: VideoFrame) -> tuple[float, float]:
    """Return the difference of two pictures in 8-bit codes.

    First the mean over the block that differs most, then the mean over the picture's first
    component (luma).
    """
    blocks = [_blocks(*planes) for planes in _planes(before, image)]
    unit = _unit(image)
    return max(float(found.max()) for found in blocks) / unit, float(blocks[0].mean()) / unit


def mean_change(before: VideoFrame, image: VideoFrame) -> float:
    """Return the mean difference of the first components, in percent of the largest code."""
    first, second = next(_planes(before, image))
    peak = layout(image.format.name).peak
    return float(_difference(first, second).mean()) * 100 / peak


def _planes(before: VideoFrame, image: VideoFrame) -> Iterator[tuple[Plane, Plane]]:
    for first, second in zip(read_components(before), read_components(image)):
        yield first.numpy(), second.numpy()


def _unit(image: VideoFrame) -> int:
    """Return how many codes of ``image`` equal one 8-bit code."""
    return 1 << (layout(image.format.name).bits - 8)


def _blocks(first: Plane, second: Plane) -> NDArray[np.float64]:
    """Return the mean difference of each block; those at the borders may be smaller."""
    height, width = first.shape
    rows, columns = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    sums = np.add.reduceat(np.add.reduceat(_difference(first, second), rows), columns, axis=1)
    sizes = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    means: NDArray[np.float64] = sums / sizes
    return means


def _difference(first: Plane, second: Plane) -> NDArray[np.int32]:
    signed: NDArray[np.int32] = np.abs(first.astype(np.int32) - second.astype(np.int32))
    return signed
