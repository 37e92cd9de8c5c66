"""The instants of the result as exact integers and fractions, computed from the source's times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, Protocol

TOLERANCE = Fraction(1, 16)  # of a gap, for networks that compute midpoints
ROUNDING = Fraction(3, 5)  # of a source tick: source times are rounded to ticks
MAX_TICKS = 2**31 - 1  # a second; what libav and MP4 can count


class Instant(NamedTuple):
    """An instant of the result: its tick, and its position between two source frames (0 to 1)."""

    pts: int
    t: Fraction


class Timeline(Protocol):
    """A rule that gives the result's instants; ``time_base`` is the length of its tick, seconds.

    Instants near a source frame show that frame: up to 1/16 of the gap away, or, if ``exact``, only
    as far away as the source's times are rounded.
    """

    @property
    def exact(self) -> bool:
        """Whether frames are computed at their exact instants."""

    @property
    def rounding(self) -> Fraction:
        """How far source times may be rounded, in ticks of the result."""

    @property
    def time_base(self) -> Fraction:
        """The length of a tick of the result, in seconds."""

    def at(self, pts: int) -> Fraction:
        """Return the source time ``pts`` in ticks of the result."""

    def ticks(self, left: int, right: int) -> list[int]:
        """Return the instants from the source time ``left`` up to but not at ``right``."""

    def tail(self, last: int, end: int) -> list[int]:
        """Return the instants that show the last frame, which lasts from ``last`` to ``end``."""


class _SlowedTimeline:
    """What timelines have in common: source times are stretched about ``start``.

    Attributes:
        source: the length of a source tick, in seconds.
        start: the source time that stays where it is when time is stretched.
        slow: how many times longer the result is.
    """

    source: Fraction
    start: int
    slow: Fraction | int

    @property
    def rounding(self) -> Fraction:
        """How far source times may be rounded, in ticks of the result."""
        return ROUNDING * self.source * self.slow / self.time_base

    @property
    def time_base(self) -> Fraction:
        """The length of a tick of the result, in seconds."""
        raise NotImplementedError

    def at(self, pts: int) -> Fraction:
        """Return the source time ``pts`` in ticks of the result."""
        stretched = self.start + (pts - self.start) * self.slow
        return stretched * self.source / self.time_base


@dataclass(frozen=True)
class MultipliedTimeline(_SlowedTimeline):
    """``factor - 1`` instants evenly between each two source frames, however these are spaced.

    Attributes:
        source: the length of a source tick, in seconds.
        start: the source time that stays where it is when time is stretched.
        factor: instants in place of each source frame.
        slow: how many times longer the result is.
        exact: whether frames are computed at their exact instants.
        grid: a number of source ticks that divides all source times. Ticks of the result are
            counted on it if they would otherwise be too short for containers.
    """

    source: Fraction
    start: int
    factor: int
    slow: Fraction | int = 1
    grid: int = 1
    exact: bool = False

    @property
    def time_base(self) -> Fraction:
        """The length of a tick of the result, in seconds; instants are rounded if it is capped."""
        parts = (Fraction(self.slow) / self.factor).denominator
        for tick in (self.source / parts, self.source * self.grid / parts):
            if max(tick.numerator, tick.denominator) <= MAX_TICKS:
                return tick
        return Fraction(1, MAX_TICKS)

    def ticks(self, left: int, right: int) -> list[int]:
        """Return the instants from the source time ``left`` up to but not at ``right``."""
        first, last = round(self.at(left)), round(self.at(right))
        return [first + (last - first) * step // self.factor for step in range(self.factor)]

    def tail(self, last: int, end: int) -> list[int]:
        """Return the one instant that shows the last frame."""
        return [round(self.at(last))]


@dataclass(frozen=True)
class ConstantRateTimeline(_SlowedTimeline):
    """Instants at the constant ``rate`` from the source time ``start`` on."""

    source: Fraction
    start: int
    rate: Fraction
    slow: Fraction | int = 1
    exact: bool = False

    @property
    def time_base(self) -> Fraction:
        """The length of a tick of the result, in seconds."""
        start = (self.start * self.source).denominator
        ticks = math.lcm(start, self.rate.numerator)
        if ticks > MAX_TICKS:  # then the start is rounded
            ticks = self.rate.numerator * max(MAX_TICKS // self.rate.numerator, 1)
        return Fraction(1, ticks)

    def ticks(self, left: int, right: int) -> list[int]:
        """Return the instants from the source time ``left`` up to but not at ``right``."""
        origin, step = math.ceil(self.at(self.start)), 1 / self.rate / self.time_base
        numbers = range(self.number(left), self.number(right))
        return [int(origin + step * number) for number in numbers]

    def number(self, pts: int) -> int:
        """Return the number of the first instant at or after the source time ``pts``."""
        origin, step = math.ceil(self.at(self.start)), 1 / self.rate / self.time_base
        return math.ceil((self.at(pts) - origin) / step)

    def tail(self, last: int, end: int) -> list[int]:
        """Return the instants that show the last frame, which lasts from ``last`` to ``end``."""
        return self.ticks(last, end)


def instants(timeline: Timeline, anchors: Sequence[int]) -> list[Instant]:
    """Return the instants from the first source time of ``anchors`` up to the last.

    Times between the two count as instants of the source too (frames that were repeats). An
    instant nearer than ``tolerance`` to an end is that source frame itself: t is then 0 or 1.
    """
    low, high = timeline.at(anchors[0]), timeline.at(anchors[-1])
    ticks = [tick for pair in pairwise(anchors) for tick in timeline.ticks(*pair)]
    limit = timeline.rounding / (high - low) if timeline.exact else TOLERANCE
    near = tolerance(len(ticks), limit)
    return [Instant(tick, _snap((tick - low) / (high - low), near)) for tick in ticks]


def tolerance(count: int, limit: Fraction = TOLERANCE) -> Fraction:
    """Return how far from its instant a frame may be, as a part of a gap of ``count`` instants.

    At most ``limit``, and always under half the distance of two instants, so that none coincide.
    """
    return min(limit, Fraction(1, 2 * max(count, 1)))


def _snap(t: Fraction, near: Fraction) -> Fraction:
    """Return 0 or 1 if ``t`` is nearer than ``near`` to it, else ``t``."""
    if t < near:
        return Fraction(0)
    return Fraction(1) if 1 - t < near else t
