"""Parse positions and lengths in a video as users write them: seconds, h:m:s, or frames."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from cdfi.common.exact_numbers import LONGEST, shown

EXPECTED = "expected seconds (83.5), minutes and seconds (1:23.5), h:m:s, or frames (120f)"
MOST = 10**10  # seconds, or frames; longer than any video
_FORM = re.compile(
    r"(?P<frames>\d+)f|(?:(?:(\d+):)?(?P<minutes>[0-5]?\d):)?(\d+(?:\.\d*)?|\.\d+)s?"
)


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
    if isinstance(text, (int, Fraction)):
        moment: Moment | None = Moment(Fraction(text))
    else:
        moment = _from_word(str(text).strip().lower())
    if moment is None or not 0 <= moment.value <= MOST:
        raise ValueError(f"{EXPECTED}, got {shown(text)}")
    return moment


def _from_word(word: str) -> Moment | None:
    """Return the position that a word means; None if it has another form."""
    found = None if len(word) > LONGEST else _FORM.fullmatch(word)
    if found is None:
        return None
    frames, hours, minutes, seconds = (Fraction(part or 0) for part in found.groups())
    if found["frames"]:
        return Moment(frames, in_frames=True)
    if found["minutes"] and seconds >= 60:
        return None
    return Moment(hours * 3600 + minutes * 60 + seconds)
