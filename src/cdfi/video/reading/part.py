"""The index of a part of a video, which consists of whole frames."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from cdfi.video.reading.index import Index
from cdfi.video.timing.moment import Moment

ROUNDING = Fraction(1, 2000)  # seconds; times are often written to the millisecond


def part_of(
    index: Index,
    start: Moment | None,
    end: Moment | None,
    duration: Moment | None,
    *,
    path: Path,
) -> Index:
    """Return the index of the frames from ``start`` up to but not at ``end``.

    The part ends where the frame after it begins, so that parts which follow each other share no
    frame and leave none out.

    Args:
        index: of the whole video.
        start: of the part; None means the first frame.
        end: of the part; None means the end of the video.
        duration: of the part, instead of ``end``.
        path: of the video, for messages.

    Raises:
        ValueError: there is no frame in the part.
    """
    first = _frame_number(index, start) if start is not None else 0
    last = len(index.times)
    if end is not None:
        last = _frame_number(index, end)
    elif duration is not None:
        last = _end_of(index, first, start, duration)
    if first >= len(index.times):
        raise ValueError(
            f"{path}: the start {start} lies after the last frame: the video has "
            f"{len(index.times)} frames and lasts {_length(index):.3f} s"
        )
    if last <= first:
        raise ValueError(f"{path}: there is no frame from {start or 0} up to {end or duration}")
    if last >= len(index.times):
        return replace(index, times=index.times[first:])
    return replace(index, times=index.times[first:last], end=int(index.times[last]), follows=True)


def _frame_number(index: Index, moment: Moment) -> int:
    """Return the number of the first frame at or after ``moment``."""
    if moment.in_frames:
        return int(moment.value)
    ticks = index.first + (moment.value - ROUNDING) / index.time_base
    return int(np.searchsorted(index.times, math.ceil(ticks)))


def _end_of(index: Index, first: int, start: Moment | None, duration: Moment) -> int:
    """Return the number of the first frame after a part of the given length."""
    if duration.in_frames:
        return first + int(duration.value)
    if start is None or not start.in_frames:
        begin = start.value if start else Fraction(0)
    else:
        number = min(first, len(index.times) - 1)
        begin = (int(index.times[number]) - index.first) * index.time_base
    return _frame_number(index, Moment(begin + duration.value))


def _length(index: Index) -> float:
    return float((index.end - index.first) * index.time_base)
