"""Map times of the source to times of the result, in the same way for all streams."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class TimeMap:
    """Stretches time ``slow`` times about the instant ``start``, then moves it by ``shift``.

    Attributes:
        start: an instant of the source, in seconds.
        slow: how many times longer the result is.
        shift: seconds that all of the result is later.
    """

    start: Fraction = Fraction(0)
    slow: Fraction | int = 1
    shift: Fraction = Fraction(0)

    def seconds(self, time: Fraction) -> Fraction:
        """Return the instant of the result that shows the source's ``time``."""
        return self.start + (time - self.start) * self.slow + self.shift

    def ticks(self, time: int, time_base: Fraction) -> int:
        """Return the same in ticks of ``time_base``, rounded."""
        if self.slow == 1 and not self.shift:
            return time
        return round(self.seconds(time * time_base) / time_base)
