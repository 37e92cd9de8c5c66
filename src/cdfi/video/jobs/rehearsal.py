"""Test the encoder, the header, the streams and the clock of a result before the first frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np

from cdfi.common.files import create
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.mux import write_result
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.reading.container import open_media, video_stream
from cdfi.video.timing.frame import OutputFrame
from cdfi.video.writing.check import Contents
from cdfi.video.writing.codecs import Y4M, container_row, is_animation_name, is_pattern
from cdfi.video.writing.encoder import EncoderSettings, SegmentWriter, blank_input
from cdfi.video.writing.streams import StreamPlan, describe, plan_streams

PACKETS = 200  # of all streams, that are written to the scratch file
REFUSALS = (av.error.FFmpegError, ValueError)


def rehearse(job: Job, encodings: Sequence[EncoderSettings]) -> Job:
    """Return ``job`` with the settings and the streams that its container and encoder accept.

    Two blank frames are encoded, and the real header with all streams is written to a scratch
    file, so that a job that starts can finish.

    Args:
        job: without ``encoding`` and ``streams``.
        encodings: settings for the encoder; the first that it opens with is taken.

    Raises:
        ValueError: the encoder takes none of the settings, the container refuses the header, or
            its clock is too coarse for the frames.
    """
    if container_row(job.work.target).format == Y4M:  # written as it is, frame by frame
        return replace(job, streams=_no_streams(job))
    with TemporaryDirectory(prefix="cdfi-") as folder:
        suffix = job.work.target.suffix
        trial = replace(job, work=WorkFolder(Path(folder) / f"trial{suffix}"))
        trial.work.path.mkdir()
        encoding, record = _encode(trial, encodings)
        job = replace(job, encoding=encoding)
        if is_pattern(job.work.target) or is_animation_name(job.work.target):
            return replace(job, streams=_no_streams(job))
        trial = replace(trial, encoding=encoding)
        streams, contents = _choose_streams(trial, record)
    _check_clock(job, contents.tick)
    return replace(job, streams=streams)


def _encode(
    job: Job, encodings: Sequence[EncoderSettings]
) -> tuple[EncoderSettings, SegmentRecord]:
    """Encode two blank frames with the first settings that the encoder accepts."""
    refusal: Exception | None = None
    first = job.timeline.ticks(job.index.first, job.index.end)[:2]
    for encoding in encodings:
        try:
            writer = SegmentWriter(create(job.work.part(0)), encoding)
            for pts in first:
                writer.add(OutputFrame(pts, blank_input(encoding), interpolated=False))
            writer.close()
        except REFUSALS as error:
            refusal = refusal or error
            continue
        job.work.finish(0, writer.times, {})
        record = job.work.record(0)
        assert record is not None
        return encoding, record
    assert refusal is not None
    raise refusal


def _choose_streams(job: Job, record: SegmentRecord) -> tuple[StreamPlan, Contents]:
    """Return the streams that the container holds together, and what the scratch file holds."""
    row, options = container_row(job.work.target), job.options
    refusal: Exception | None = None
    with open_media(job.source.path) as source:
        video = video_stream(source, job.source.path).index
        plan = plan_streams(source, row, video, options.sound)
        names = {stream.index: describe(stream) for stream in source.streams}

    def attempt(streams: StreamPlan) -> Contents | None:
        nonlocal refusal
        path = job.work.new("result.part")
        try:
            return write_result(replace(job, streams=streams), [record], path, Counter(), PACKETS)
        except REFUSALS as error:
            refusal = error
            return None

    contents = attempt(plan)
    if contents is None:
        optional = ("copied", "attached") + (("stretched",) if options.audio is None else ())
        plan = _without_refused(plan, names, optional, lambda s: attempt(s) is not None)
        contents = attempt(plan)
    if contents is None:
        raise ValueError(
            f"{job.source.path}: {job.work.target.suffix} cannot hold the result: {refusal}"
        ) from refusal
    return plan, contents


def _without_refused(
    plan: StreamPlan,
    names: dict[int, str],
    optional: Sequence[str],
    accepts: Callable[[StreamPlan], bool],
) -> StreamPlan:
    """Return the largest part of ``plan`` that a container accepts, adding stream by stream."""
    emptied: dict[str, Any] = dict.fromkeys(optional, ())
    kept = replace(plan, **emptied)
    for field in optional:
        for index in getattr(plan, field):
            wider = replace(kept, **{field: (*getattr(kept, field), index)})
            if accepts(wider):
                kept = wider
            else:
                kept = replace(kept, left_out=(*kept.left_out, names[index]))
    ordered = [names[index] for index in sorted(names) if names[index] in kept.left_out]
    return replace(kept, left_out=tuple(ordered))


def _no_streams(job: Job) -> StreamPlan:
    """Return the plan for images, which hold no other streams."""
    with open_media(job.source.path) as source:
        video = video_stream(source, job.source.path).index
        others = [stream for stream in source.streams if stream.index != video]
        return StreamPlan(left_out=tuple(describe(stream) for stream in others))


def _check_clock(job: Job, tick: Fraction) -> None:
    """Raise ValueError if the container's clock is too coarse for most neighbouring frames."""
    step = usual_step(job)
    if step < tick:
        suffix = job.work.target.suffix
        raise ValueError(
            f"{job.work.target}: {suffix} counts time in steps of {tick} s, so it holds "
            f"{float(1 / tick):g} frames/s at most, and the plan has {float(1 / step):g}: give a "
            "lower --factor or --fps, or choose another container such as .mp4"
        )


def usual_step(job: Job) -> Fraction:
    """Return the median distance of two frames of the result, in seconds."""
    if job.options.fps is not None:
        return 1 / job.options.fps
    times, timeline = job.index.times, job.timeline
    times = np.append(times, job.index.end) if job.index.follows else times
    gaps = np.diff(times)
    index = int(np.argsort(gaps)[len(gaps) // 2])
    left, right = int(times[index]), int(times[index + 1])
    ticks = [*timeline.ticks(left, right), int(timeline.at(right))]
    return min(after - before for before, after in pairwise(ticks)) * timeline.time_base
