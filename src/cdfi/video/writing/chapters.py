"""Write the chapters of the source at their times in the result."""

from __future__ import annotations

from fractions import Fraction

from av.container import InputContainer, OutputContainer

from cdfi.video.timing.time_map import TimeMap


def add_chapters(
    source: InputContainer, target: OutputContainer, times: TimeMap, end: Fraction
) -> None:
    """Give ``target`` the chapters of ``source``.

    Args:
        source: the open source.
        target: the result, not begun yet.
        times: from times of the source to times of the result.
        end: of the result, in seconds; chapters are kept within it and the time 0.
    """
    chapters = []
    for chapter in source.chapters():
        time_base = chapter["time_base"] or Fraction(1)
        last = max(round(end / time_base), 0)
        begin, finish = (times.ticks(chapter[edge], time_base) for edge in ("start", "end"))
        start, stop = (min(max(edge, 0), last) for edge in (begin, finish))
        if start < stop or (begin == finish and 0 <= begin <= last):
            chapter["start"], chapter["end"] = start, stop
            chapters.append(chapter)
    if chapters:
        target.set_chapters(chapters)
