"""Make segments: decoder, network and encoder run in parallel, one finished file after another."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from cdfi.common.files import create
from cdfi.common.prefetch import prefetch
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.job_frames import part_frames, part_spans
from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.jobs.motion_blur import blurred_items
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.jobs.watch import JobWatch
from cdfi.video.reading.reader import Reader
from cdfi.video.timing.frame import OutputFrame, SourceFrame
from cdfi.video.timing.spans import Kind, Span
from cdfi.video.writing.encoder import SegmentWriter

QUEUE_SIZE = 4  # frames decoded, and frames rendered, before they are needed

OnProgress = Callable[[int], None]


class SegmentQueue:
    """Which segments may be made; this one allows all. See ``ClaimedSegments``."""

    def take(self, number: int) -> bool:
        """Return whether the segment may be made."""
        return True

    def is_needed(self, number: int) -> bool:
        """Return whether the segment, which is being made, is still to be made."""
        return True

    def seconds(self, number: int) -> float:
        """Return for how long the segment has been made; 0 if that is unknown."""
        return 0.0

    def done(self, number: int) -> None:
        """Handle that the segment is finished."""


class SegmentItem(NamedTuple):
    """A frame of a segment (None for a span that shows none), and the decisions made there."""

    segment: int
    frame: OutputFrame | None
    counts: Counter[str]


def make_segments(
    job: Job,
    interpolator: FrameInterpolator,
    segment_range: range,
    on_progress: OnProgress,
    watch: JobWatch | None = None,
    queue: SegmentQueue | None = None,
) -> Counter[str]:
    """Make the segments of ``segment_range``, up to the first that ``queue`` does not allow.

    Args:
        job: that they belong to.
        interpolator: computes the frames between two source frames.
        segment_range: numbers of neighbouring segments.
        on_progress: called with the number of frames written since its last call.
        watch: called with each frame.
        queue: allows each segment after the first one; by default all.

    Returns:
        The reader's warnings, with how often each occurred.
    """
    reader = job.reader()
    items = job_items(job, interpolator, reader, segment_range)
    try:
        _write(job, items, segment_range, on_progress, watch or JobWatch(), queue or SegmentQueue())
    finally:
        items.close()
    return reader.warnings


def job_items(
    job: Job, interpolator: FrameInterpolator, reader: Reader, segment_range: range
) -> Generator[SegmentItem, None, None]:
    """Yield the frames of segments, decoded and interpolated in advance by two threads."""
    decoded = prefetch(part_frames(job, reader, segment_range.start), QUEUE_SIZE)
    return prefetch(_items(job, interpolator, decoded, segment_range), QUEUE_SIZE)


def located_spans(
    job: Job, frames: Iterator[SourceFrame], segment_range: range
) -> Iterator[tuple[int, Span]]:
    """Yield the spans that start within the segments, each with its segment's number."""
    starts = job.boundaries
    for span in part_spans(job, frames):
        number = max(bisect_right(starts, span.left.pts) - 1, 0)
        if number >= segment_range.stop:
            return
        if number >= segment_range.start:
            yield number, span


def _items(
    job: Job, interpolator: FrameInterpolator, frames: Iterator[SourceFrame], segment_range: range
) -> Iterator[SegmentItem]:
    bars = job.options.black_bars
    renderer = Renderer(interpolator, job.encoding.converter, job.hold, bars=bars)
    if job.options.motion_blur is not None:
        for item in blurred_items(job, renderer, frames, segment_range):
            counts = _counts(item.span) if item.span else Counter[str]()
            if item.frame is not None and item.frame.interpolated:
                counts["interpolated"] = 1
            yield SegmentItem(item.segment, item.frame, counts)
        return
    for number, span in located_spans(job, frames, segment_range):
        yield SegmentItem(number, None, _counts(span))
        for frame in renderer.frames(span):
            counts = Counter(interpolated=1) if frame.interpolated else Counter[str]()
            yield SegmentItem(number, frame, counts)


def _counts(span: Span) -> Counter[str]:
    """Return the decisions made about ``span``."""
    counts = Counter({"source frames": 1 + span.repeats})
    if span.repeats:
        counts["duplicates interpolated across"] = span.repeats
    if span.kind in (Kind.CUT, Kind.STILL):
        counts[span.kind.value] = 1
    return counts


def _write(
    job: Job,
    items: Iterator[SegmentItem],
    segment_range: range,
    on_progress: OnProgress,
    watch: JobWatch,
    queue: SegmentQueue,
) -> None:
    """Encode ``items``; finish each segment when the next one begins."""
    segment = _OpenSegment(job, segment_range.start)

    def advance() -> bool:
        nonlocal segment
        segment.finish(queue.seconds(segment.number))
        queue.done(segment.number)
        segment = _OpenSegment(job, segment.number + 1)
        return segment.number < segment_range.stop and queue.take(segment.number)

    try:
        for item in items:
            while segment.number < item.segment:
                if not advance():
                    return
            segment.counts.update(item.counts)
            watch.on_frame(item.segment, item.frame, item.counts)
            if item.frame is not None:
                segment.add(item.frame)
                on_progress(1)
            if not queue.is_needed(segment.number):
                segment.abort()
                return
        while advance():
            pass
    except BaseException:
        segment.abort()
        raise


class _OpenSegment:
    """A segment that is being written."""

    def __init__(self, job: Job, number: int) -> None:
        self.job, self.number = job, number
        self.counts: Counter[str] = Counter()
        self._writer: SegmentWriter | None = None

    def add(self, frame: OutputFrame) -> None:
        if self._writer is None:
            file = create(self.job.work.part(self.number))
            self._writer = SegmentWriter(file, self.job.encoding)
        self._writer.add(frame)

    def finish(self, seconds: float) -> None:
        times: list[int] = []
        if self._writer is not None:
            self._writer.close()
            times = self._writer.times
        self.job.work.finish(self.number, times, self.counts, seconds)

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.abort()
            self.job.work.part(self.number)
