"""Interpolation of frames that are read and written by other means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cdfi.interpolation import Interpolator
from cdfi.video.timing.timeline import tolerance

Image = TypeVar("Image", Tensor, NDArray[np.generic])


def interpolate_frames(
    frames: Iterable[tuple[Fraction, Image]], interpolator: Interpolator, *, factor: int = 2
) -> Iterator[tuple[Fraction, Image]]:
    """Yield ``frames`` with their times, and ``factor - 1`` frames evenly between each two.

    Two frames are held at a time, however long the video is.

    Args:
        frames: pairs of a time, in any unit, and an image: an array (H, W, 3) or a tensor
            (3, H, W), as ``interpolator`` takes them. Times must ascend.
        interpolator: computes the frames.
        factor: frames in place of each one.

    Raises:
        ValueError: a time does not ascend, or ``factor`` is below 1.
    """
    if factor < 1:
        raise ValueError(f"factor must be a whole number of 1 or more, got {factor}")
    places = [Fraction(step, factor) for step in range(1, factor)]
    left: tuple[Fraction, Image] | None = None
    for right in frames:
        if left is not None:
            start, length = left[0], right[0] - left[0]
            if length <= 0:
                raise ValueError(f"the time {right[0]} follows {start}: times must ascend")
            made = interpolator.between(left[1], right[1], places, tolerance(factor))
            yield from zip((start + length * place for place in places), made)
        yield right
        left = right
