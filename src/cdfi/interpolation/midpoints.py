"""Which midpoints of midpoints stand for which instants between two frames."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

#: How far, in source intervals, a made frame may be from the instant it stands for.
TOLERANCE = Fraction(1, 16)


def nearest_dyadics(times: Sequence[Fraction], tolerance: Fraction = TOLERANCE) -> list[Fraction]:
    """For each instant the shallowest m / 2^d that is near enough.

    Instants that are such fractions themselves stay what they are. Others move by at most
    ``tolerance``, and by at most a quarter of the smallest step between two instants (or an
    instant and an end), so that order and spacing survive.

    Args:
        times: strictly increasing, inside (0, 1).
        tolerance: positive, in source intervals.

    Raises:
        ValueError: times out of order or range, or a tolerance of 0 or below.
    """
    exact = [Fraction(t) for t in times]
    ends = [Fraction(0), *exact, Fraction(1)]
    steps = [after - before for before, after in pairwise(ends)]
    if min(steps) <= 0:
        raise ValueError(f"expected increasing times inside (0, 1), got {[str(t) for t in exact]}")
    if tolerance <= 0:
        raise ValueError(f"expected a positive tolerance, got {tolerance}")
    reach = min(Fraction(tolerance), min(steps) / 4)
    return [_nearest(t, reach) for t in exact]


def _nearest(t: Fraction, reach: Fraction) -> Fraction:
    if t.denominator & (t.denominator - 1) == 0:
        return t
    parts = 2
    while True:
        near = Fraction(floor(t * parts + Fraction(1, 2)), parts)
        if 0 < near < 1 and abs(near - t) <= reach:
            return near
        parts *= 2


def ancestors(target: Fraction) -> dict[Fraction, tuple[Fraction, Fraction]]:
    """The midpoints that lead to ``target``, itself the last, each with the two it lies between.

    Args:
        target: m / 2^d inside (0, 1).
    """
    found = {}
    parts = 1
    while parts < target.denominator:
        before = Fraction(floor(target * parts), parts)
        after = Fraction(ceil(target * parts), parts)
        found[(before + after) / 2] = (before, after)
        parts *= 2
    return found
