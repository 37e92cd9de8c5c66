"""Instants between two frames, as exact fractions."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

#: An instant in (0, 1), 0 at the first frame and 1 at the second.
Time = Fraction | float

# A float such as 0.3 means 3/10, not the nearest fraction of a power of two.
_LARGEST_DENOMINATOR = 1_000_000


def exact_times(times: Sequence[Time] | int) -> list[Fraction]:
    """Return instants as fractions.

    Args:
        times: increasing instants in (0, 1), or how many, evenly spaced. A float becomes the
            nearest fraction with a denominator of at most a million.

    Raises:
        ValueError: the instants are not increasing or outside (0, 1), or the count is negative.
    """
    if isinstance(times, int):
        if times < 0:
            raise ValueError(f"expected a number of frames of 0 or more, got {times}")
        return [Fraction(step, times + 1) for step in range(1, times + 1)]
    try:
        exact = [_exact(t) for t in times]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"expected numbers inside (0, 1) as times, got {times!r}") from error
    steps = (after - before for before, after in pairwise([Fraction(0), *exact, Fraction(1)]))
    if min(steps) <= 0:
        raise ValueError(f"expected increasing times inside (0, 1), got {[str(t) for t in exact]}")
    return exact


def exact_tolerance(tolerance: Time) -> Fraction:
    """Return the largest distance of a frame from its instant as a fraction.

    Raises:
        ValueError: it is not a number above 0.
    """
    try:
        exact = Fraction(tolerance)
    except (TypeError, ValueError, OverflowError):
        exact = Fraction(0)
    if exact <= 0:
        raise ValueError(f"expected a positive tolerance, got {tolerance!r}")
    return exact


def _exact(t: Time) -> Fraction:
    exact = Fraction(t)
    return exact if isinstance(t, Fraction) else exact.limit_denominator(_LARGEST_DENOMINATOR)
