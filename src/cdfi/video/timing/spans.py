"""Spans between neighbouring source frames, and the instants that are shown in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise

from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.timeline import Instant, Timeline, instants, tolerance

LONGEST_REPEAT = 4  # frames; animation is drawn on twos to fours; a longer rest is intended


class Kind(Enum):
    """How a span is filled, by its name in reports."""

    MOTION = "interpolated"
    CUT = "scene cuts held"
    STILL = "static pairs passed through"
    END = "end"


@dataclass(frozen=True)
class Span:
    """The instants from ``left`` up to ``right`` (up to the end of the video where that is None).

    ``repeats`` counts the source frames inside it that were found to repeat ``left``.
    """

    left: SourceFrame
    right: SourceFrame | None
    kind: Kind
    instants: list[Instant]
    tolerance: Fraction
    repeats: int = 0

    def source_at(self, t: Fraction) -> SourceFrame:
        """Return the source frame that is shown at ``t`` if nothing is interpolated."""
        return self.right if t == 1 and self.right is not None else self.left


def spans(
    frames: Iterable[SourceFrame], timeline: Timeline, end: int, dedup: bool
) -> Iterator[Span]:
    """Yield the spans of marked ``frames``; the last frame is shown until the time ``end``."""
    before: list[SourceFrame] | None = None
    for run in _runs(frames, dedup):
        if before is not None:
            yield _between(before, run[0], timeline)
        before = run
    if before is not None:
        for left, right in pairwise(before):
            yield _between([left], right, timeline)
        last = before[-1]
        tail = [
            Instant(tick, Fraction(0)) for tick in timeline.tail(last.pts, max(end, last.pts + 1))
        ]
        yield Span(last, None, Kind.END, tail, Fraction(0))


def _between(run: list[SourceFrame], right: SourceFrame, timeline: Timeline) -> Span:
    """Return the span from the first frame of ``run``, which the others repeat, to ``right``."""
    left = run[0]
    shown = instants(timeline, [frame.pts for frame in run] + [right.pts])
    kind = Kind.CUT if right.is_cut else Kind.STILL if right.is_repeat else Kind.MOTION
    return Span(left, right, kind, shown, tolerance(len(shown)), len(run) - 1)


def _runs(frames: Iterable[SourceFrame], dedup: bool) -> Iterator[list[SourceFrame]]:
    """Yield each frame with the repeats that follow it; those of a long rest are single."""
    run: list[SourceFrame] = []
    resting = False
    for frame in frames:
        if not dedup or not frame.is_repeat:
            yield from [run] if run else []
            run, resting = [frame], False
        elif resting or len(run) >= LONGEST_REPEAT:
            yield from ([member] for member in run)
            run, resting = [frame], True
        else:
            run.append(frame)
    if run:
        yield run
