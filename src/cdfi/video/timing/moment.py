"""Parse positions and lengths in a video as users write them: seconds, h:m:s, or frames."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

EXPECTED = "expected seconds (83.5), minutes and seconds (1:23.5), h:m:s, or frames (120f)"
_CLOCK = re.compile(r"(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d*)?|\.\d+)s?")


class Moment(NamedTuple):
    """A position, or a length, counted from the first frame of a video.

    Attributes:
        value: how many seconds or frames.
        in_frames: whether ``value`` counts frames.
    """

    value: Fraction
    in_frames: bool = False

    def __str__(self) -> str:
        """Return the position as a user may write it."""
        return f"{self.value}f" if self.in_frames else f"{float(self.value):g}"


def parse_moment(text: str | int | float | Fraction | Moment) -> Moment:
    """Return the position that ``text`` means.

    Raises:
        ValueError: ``text`` has another form, or is negative.
    """
    if isinstance(text, Moment):
        return text
    if isinstance(text, Fraction) and text >= 0:
        return Moment(text)
    word = str(text).strip().lower()
    if re.fullmatch(r"\d+f", word):
        return Moment(Fraction(word[:-1]), in_frames=True)
    found = _CLOCK.fullmatch(word)
    if found is None or (found[2] is not None and Fraction(found[3]) >= 60):
        raise ValueError(f"{EXPECTED}, got {text!r}")
    hours, minutes, seconds = (Fraction(part or 0) for part in found.groups())
    return Moment(hours * 3600 + minutes * 60 + seconds)
