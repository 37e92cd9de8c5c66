"""Timecodes (SMPTE 12M) of a part of a video."""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;.])(\d\d)")
TAG = "timecode"


def later_timecode(text: str, frames: int, rate: Fraction) -> str:
    """Return the timecode ``frames`` after ``text``; texts of another form stay.

    Args:
        text: such as 01:00:00:00; a semicolon or a dot before the frames means drop frame.
        frames: how many later.
        rate: frames per second.
    """
    found = _TIMECODE.fullmatch(text.strip())
    nominal = round(rate)
    if found is None or nominal < 1:
        return text
    hours, minutes, seconds, number = (int(found[group]) for group in (1, 2, 3, 5))
    dropped = nominal // 15 if found[4] != ":" else 0  # frame numbers that a minute leaves out
    minutes += hours * 60
    count = (minutes * 60 + seconds) * nominal + number + frames
    count -= dropped * (minutes - minutes // 10)
    count = _with_dropped(count, dropped, nominal)
    number, count = count % nominal, count // nominal
    clock = f"{count // 3600 % 24:02d}:{count // 60 % 60:02d}:{count % 60:02d}"
    return f"{clock}{found[4]}{number:02d}"


def _with_dropped(count: int, dropped: int, nominal: int) -> int:
    """Return the label of frame ``count``, as if no frame numbers were left out."""
    if not dropped:
        return count
    minute = 60 * nominal - dropped
    tens, rest = divmod(count, 10 * minute + dropped)
    count += 9 * dropped * tens
    return count + (dropped * ((rest - dropped) // minute) if rest >= dropped else 0)
