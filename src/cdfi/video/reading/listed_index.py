"""The index of a video, or of images whose times are listed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from cdfi.video.reading.index import Index, read_index
from cdfi.video.reading.stand_in import Timing, stand_in


def index_of(path: Path) -> Index:
    """Return the index of a video or of a stand-in for one.

    Raises:
        OSError, ValueError: as :func:`read_index`.
    """
    known = stand_in(path)
    return read_index(path) if known is None else _listed(known)


def _listed(known: Timing) -> Index:
    """Return the index of images whose times are listed."""
    times = np.array(known.times, np.int64)
    gaps = np.diff(times)
    return Index(
        times=times,
        keys=times,
        end=known.end,
        step=max(int(np.median(gaps)), 1) if len(gaps) else 1,
        time_base=Fraction(known.tick),
        packet_times=np.arange(len(times), dtype=np.int64),
        by_order=not np.array_equal(times, np.arange(len(times))),
        duration=known.end * Fraction(known.tick),
    )
