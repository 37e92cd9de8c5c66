"""Making segments: decode, network and encoder side by side, one finished file after another."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cdfi.common.prefetch import prefetch
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.jobs.renderer import Renderer, converter_for
from cdfi.video.timing.frame import Frame, Picture
from cdfi.video.timing.scene_changes import LEAD, analysed
from cdfi.video.timing.spans import Kind, Span, spans
from cdfi.video.writing.encoder import SegmentWriter

QUEUE_SIZE = 4  # frames decoded, and pictures made, before they are needed

OnProgress = Callable[[int], None]


class SegmentItem(NamedTuple):
    """A picture (None for a span that shows none) of a segment, with what was decided there."""

    segment: int
    picture: Picture | None
    counts: Counter[str]


def make_segments(
    job: Job, maker: FrameInterpolator, run: range, shown: OnProgress
) -> Counter[str]:
    """Make the segments of ``run``; ``shown`` is called with the pictures done since its last call.

    Returns what the reader had to leave out, by reason.
    """
    reader = job.reader()
    frames = reader.frames(job.boundaries[run.start] if run.start else None, LEAD)
    known = prefetch(analysed(frames, job.options.scene_threshold), QUEUE_SIZE)
    pieces = prefetch(_pieces(job, maker, known, run), QUEUE_SIZE)
    try:
        _write(job, pieces, run, shown)
    finally:
        pieces.close()
    return reader.notes


def located_spans(job: Job, frames: Iterator[Frame], run: range) -> Iterator[tuple[int, Span]]:
    """The spans that start within ``run``'s segments, each with its segment's number."""
    starts = job.boundaries
    for span in spans(frames, job.clock, job.index.end, job.options.dedup):
        number = max(bisect_right(starts, span.left.pts) - 1, 0)
        if number >= run.stop:
            return
        if number >= run.start:
            yield number, span


def _pieces(
    job: Job, maker: FrameInterpolator, frames: Iterator[Frame], run: range
) -> Iterator[SegmentItem]:
    renderer = Renderer(maker, converter_for(job.source.pix_fmt, job.source.colour, maker))
    for number, span in located_spans(job, frames, run):
        yield SegmentItem(number, None, _counts(span))
        for picture in renderer.pictures(span):
            yield SegmentItem(
                number, picture, Counter(interpolated=1) if picture.made else Counter()
            )


def _counts(span: Span) -> Counter[str]:
    """What was decided about ``span``."""
    counts = Counter({"source frames": 1 + span.repeats})
    if span.repeats:
        counts["duplicates interpolated across"] = span.repeats
    if span.kind in (Kind.CUT, Kind.STILL):
        counts[span.kind.value] = 1
    return counts


def _write(job: Job, pieces: Iterator[SegmentItem], run: range, shown: OnProgress) -> None:
    """Encode ``pieces`` and finish each segment when the next one begins."""
    open_segment = _OpenSegment(job, run.start)
    try:
        for piece in pieces:
            while open_segment.number < piece.segment:
                open_segment.finish()
                open_segment = _OpenSegment(job, open_segment.number + 1)
            open_segment.counts.update(piece.counts)
            if piece.picture is not None:
                open_segment.add(piece.picture)
                shown(1)
    except BaseException:
        open_segment.abort()
        raise
    while open_segment.number < run.stop:
        open_segment.finish()
        open_segment = _OpenSegment(job, open_segment.number + 1)


class _OpenSegment:
    """A segment in the making."""

    def __init__(self, job: Job, number: int) -> None:
        self.job, self.number = job, number
        self.counts: Counter[str] = Counter()
        self._writer: SegmentWriter | None = None

    def add(self, picture: Picture) -> None:
        if self._writer is None:
            part = self.job.work.part(self.number)
            self._writer = SegmentWriter(part, self.job.encoding, self.job.source)
        self._writer.add(picture)

    def finish(self) -> None:
        times: list[int] = []
        if self._writer is not None:
            self._writer.close()
            times = self._writer.times
        self.job.work.finish(self.number, times, self.counts)

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.abort()
        self.job.work.part(self.number).unlink(missing_ok=True)
