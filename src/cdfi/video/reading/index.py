"""The times of a video stream's frames, read from its packets without decoding."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from cdfi.video.reading.container import open_video


@dataclass(frozen=True)
class Index:
    """What the packets say; all times count ticks of ``time_base``.

    ``times`` and ``keys`` (frames that decoding can start at) ascend; the last frame ends at
    ``end``; ``step`` is the usual distance of two frames. Where ``trusted`` is false, times are
    missing or run backwards: frames are then timed by counting, and nothing can be sought.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.int64]
    end: int
    step: int
    time_base: Fraction
    trusted: bool
    damage: str = ""

    @property
    def rate(self) -> Fraction:
        """The mean rate, frames per second."""
        span = (self.end - int(self.times[0])) * self.time_base
        return len(self.times) / span

    def boundaries(self, length: int) -> list[int]:
        """The source times at which segments of ``length`` frames start."""
        return [int(time) for time in self.times[::length]] if self.trusted else [self.first]

    @property
    def first(self) -> int:
        return int(self.times[0])

    def before(self, pts: int, lead: int) -> int:
        """The keyframe from which to decode to have ``lead`` whole frames before ``pts``."""
        place = max(int(np.searchsorted(self.times, pts)) - lead, 0)
        key = int(np.searchsorted(self.keys, self.times[place], side="right")) - 1
        return int(self.keys[max(key, 0)])


def read_index(path: Path) -> Index:
    """Read the times of the first video stream of ``path``.

    Raises ValueError when no packet of it can be read.
    """
    times, keys, lengths = array("q"), array("q"), array("q")
    missing, early, damage = 0, 0, ""
    with open_video(path) as (container, stream):
        time_base = stream.time_base or Fraction(1, 1000)
        nominal = _nominal_step(stream, time_base)
        try:
            for packet in container.demux(stream):
                if not packet.size or packet.is_discard:
                    continue
                pts = packet.pts
                if pts is None:
                    missing += 1
                    early += not times
                    continue
                times.append(pts)
                lengths.append(packet.duration or 0)
                if packet.is_keyframe:
                    keys.append(pts)
        except av.error.FFmpegError as error:
            damage = f"{path} cannot be read to its end: {error.strerror}"
    if not times and not missing:
        raise ValueError(f"{path} has a video stream but no frame in it: is the file complete?")
    if missing or _runs_backwards(times):
        first = min(times) - early * nominal if times else 0
        return _counted(len(times) + missing, first, nominal, time_base, damage)
    return _sorted(times, keys, lengths, nominal, time_base, damage)


def _sorted(
    times: array[int],
    keys: array[int],
    lengths: array[int],
    nominal: int,
    time_base: Fraction,
    damage: str,
) -> Index:
    """The index of packets that all have a time."""
    raw = np.frombuffer(times, np.int64)
    ordered = np.unique(raw)
    gaps = np.diff(ordered)
    step = int(np.median(gaps)) if len(gaps) else nominal
    last = int(ordered[-1])
    length = int(lengths[int(np.argmax(raw))]) or step
    starts = np.unique(np.frombuffer(keys, np.int64)) if keys else ordered[:1]
    return Index(ordered, starts, last + length, step, time_base, True, damage)


def _counted(count: int, first: int, step: int, time_base: Fraction, damage: str) -> Index:
    """The index of a stream whose times cannot be used: frames follow at the nominal rate."""
    times = np.arange(count, dtype=np.int64) * step + first
    return Index(times, times[:1], first + count * step, step, time_base, False, damage)


def _runs_backwards(times: array[int]) -> bool:
    """Whether time jumps back further than the reordering of frames explains (32 usual steps)."""
    values = np.frombuffer(times, np.int64)
    ordered = np.unique(values)
    usual = float(np.median(np.diff(ordered))) if len(ordered) > 1 else 1.0
    return bool((np.maximum.accumulate(values) - values).max() > 32 * usual)


def _nominal_step(stream: av.VideoStream, time_base: Fraction) -> int:
    """The distance of two frames by the stream's header (25 frames/s where it says nothing)."""
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return max(round(1 / (rate * time_base)), 1)
