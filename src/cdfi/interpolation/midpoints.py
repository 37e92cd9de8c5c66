"""The midpoints of midpoints that stand for instants between two frames."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

#: Largest distance of an interpolated frame from its instant, in intervals of the source.
TOLERANCE = Fraction(1, 16)


def nearest_dyadics(times: Sequence[Fraction], tolerance: Fraction = TOLERANCE) -> list[Fraction]:
    """Return, for each instant, the m / 2^d of smallest d that is near enough.

    Instants of this form stay as they are. Others move by at most ``tolerance``, and by at most a
    quarter of the smallest step between two instants (or an instant and an end), so that their
    order and spacing survive.

    Args:
        times: strictly increasing, inside (0, 1).
        tolerance: positive, in intervals of the source.

    Raises:
        ValueError: the tolerance is not above 0.
    """
    if tolerance <= 0:
        raise ValueError(f"expected a positive tolerance, got {tolerance}")
    ends = [Fraction(0), *times, Fraction(1)]
    smallest = min(after - before for before, after in pairwise(ends))
    reach = min(tolerance, smallest / 4)
    return [_nearest(t, reach) for t in times]


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
    """Return the midpoints that lead to ``target``, itself the last, each with its two parents.

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
