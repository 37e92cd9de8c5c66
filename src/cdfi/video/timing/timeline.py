"""Which instants the result shows, as exact integers and fractions: pure functions of the times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, Protocol

TOLERANCE = Fraction(1, 16)


class Instant(NamedTuple):
    """An instant of the result: its tick, and where it lies between two source frames (0 to 1)."""

    pts: int
    t: Fraction


class Timeline(Protocol):
    """A rule that gives the result's instants; ``time_base`` is the length of its tick, seconds."""

    @property
    def time_base(self) -> Fraction: ...

    def at(self, pts: int) -> Fraction:
        """The source time ``pts`` in ticks of the result."""

    def ticks(self, left: int, right: int) -> list[int]:
        """The result's instants from the source time ``left`` up to but not at ``right``."""

    def tail(self, last: int, end: int) -> list[int]:
        """The instants that show the last frame, which lasts from ``last`` to ``end``."""


@dataclass(frozen=True)
class MultipliedTimeline:
    """``factor - 1`` instants evenly between each two source frames, however these are spaced.

    ``slow`` stretches time about the instant ``start`` (a source time).
    """

    source: Fraction
    start: int
    factor: int
    slow: int = 1

    @property
    def time_base(self) -> Fraction:
        return self.source / (self.factor // math.gcd(self.factor, self.slow))

    def at(self, pts: int) -> Fraction:
        stretched = self.start + (pts - self.start) * self.slow
        return Fraction(stretched * (self.factor // math.gcd(self.factor, self.slow)))

    def ticks(self, left: int, right: int) -> list[int]:
        first, last = int(self.at(left)), int(self.at(right))
        return [first + (last - first) * step // self.factor for step in range(self.factor)]

    def tail(self, last: int, end: int) -> list[int]:
        return [int(self.at(last))]


@dataclass(frozen=True)
class ConstantRateTimeline:
    """Instants at the constant ``rate`` from the source time ``start`` on."""

    source: Fraction
    start: int
    rate: Fraction
    slow: int = 1

    @property
    def time_base(self) -> Fraction:
        start = self.start * self.source
        return Fraction(1, math.lcm(start.denominator, self.rate.numerator))

    def at(self, pts: int) -> Fraction:
        stretched = self.start + (pts - self.start) * self.slow
        return stretched * self.source / self.time_base

    def ticks(self, left: int, right: int) -> list[int]:
        origin, step = self.at(self.start), 1 / self.rate / self.time_base
        first = math.ceil((self.at(left) - origin) / step)
        last = math.ceil((self.at(right) - origin) / step)
        return [int(origin + step * number) for number in range(first, last)]

    def tail(self, last: int, end: int) -> list[int]:
        return self.ticks(last, end)


def instants(timeline: Timeline, anchors: Sequence[int]) -> list[Instant]:
    """The instants from the first source time of ``anchors`` up to the last, placed between these.

    Times between the two count as instants of the source too (frames that were repeats). An
    instant within ``tolerance`` of an end is that source frame itself: t is then 0 or 1.
    """
    low, high = timeline.at(anchors[0]), timeline.at(anchors[-1])
    ticks = [tick for pair in pairwise(anchors) for tick in timeline.ticks(*pair)]
    near = tolerance(len(ticks))
    return [Instant(tick, _snap((tick - low) / (high - low), near)) for tick in ticks]


def tolerance(count: int) -> Fraction:
    """How far from its instant a made frame may lie, as a part of the gap that holds ``count``.

    At most 1/16, and always under half the distance of two instants, so that none coincide.
    """
    return min(TOLERANCE, Fraction(1, 2 * max(count, 1)))


def _snap(t: Fraction, near: Fraction) -> Fraction:
    """0 or 1 where ``t`` is nearer than ``near`` to it."""
    if t < near:
        return Fraction(0)
    return Fraction(1) if 1 - t < near else t
