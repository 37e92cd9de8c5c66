"""The frames and the spans of a job: of a whole video, of a part of one, or of a loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cdfi.video.jobs.job import Job
from cdfi.video.reading.reader import Reader
from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.scene_changes import LEAD, mark_scenes
from cdfi.video.timing.spans import Span, spans
from cdfi.video.timing.timeline import Timeline


def part_frames(job: Job, reader: Reader, segment: int) -> Iterator[SourceFrame]:
    """Yield the frames of a job from before the segment number ``segment`` on.

    Frames before a part of a video only serve to find scene cuts; its first frame opens it.
    """
    index, options = job.index, job.options
    start = job.boundaries[segment] if segment or index.first > job.whole.first else None
    frames = reader.frames(start, LEAD)
    if options.loop:
        frames = _closed(job, frames)
    for frame in mark_scenes(frames, options.scene_threshold, options.sensitivity):
        if frame.pts == index.first:
            yield replace(frame, is_cut=False, is_repeat=False)
        elif frame.pts > index.first or index.first == job.whole.first:
            yield frame


def part_spans(
    job: Job, frames: Iterable[SourceFrame], timeline: Timeline | None = None
) -> Iterator[Span]:
    """Yield the spans of a job up to its end; frames after it only end the last span.

    Args:
        job: the job.
        frames: of :func:`part_frames`.
        timeline: by default that of the job.
    """
    end, timeline = job.index.end, timeline or job.timeline
    for span in spans(frames, timeline, end, job.options.dedup):
        if not job.index.follows:
            yield span
        elif span.left.pts < end:
            last = timeline.at(end)
            yield replace(span, instants=[one for one in span.instants if one.pts < last])
        else:
            return


def _closed(job: Job, frames: Iterable[SourceFrame]) -> Iterator[SourceFrame]:
    """Yield ``frames`` up to the end of a loop, and its first frame again."""
    first: SourceFrame | None = None
    for frame in frames:
        if frame.pts >= job.index.end:
            break
        if frame.pts == job.index.first:
            first = frame
        yield frame
    if first is None:
        again = job.reader().frames(job.index.first, 0)
        first = next(frame for frame in again if frame.pts >= job.index.first)
    yield replace(first, pts=job.index.end)
