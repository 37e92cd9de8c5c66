"""Make the times of frames distinct if a coarse clock gives several the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


def spread(ordered: Times) -> tuple[Times, int]:
    """Return strictly ascending times for ascending ones, and by which factor ticks are divided.

    Frames that have the same time share its tick evenly.
    """
    _, counts = np.unique(ordered, return_counts=True)
    scale = int(counts.max())
    if scale == 1:
        return ordered, 1
    number = np.arange(len(ordered)) - np.repeat(np.cumsum(counts) - counts, counts)
    return ordered * scale + number * scale // np.repeat(counts, counts), scale
