"""A short clip that shows the source at the left and the result at the right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from av.video.frame import VideoFrame

from cdfi.common.prefetch import prefetch
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec, resolve_model
from cdfi.video.jobs.mux import write_video
from cdfi.video.jobs.plan import check_target, plan_job
from cdfi.video.jobs.renderer import Renderer, converter_for
from cdfi.video.jobs.segments import QUEUE_SIZE
from cdfi.video.jobs.workfolder import SegmentRecord, WorkFolder
from cdfi.video.options import Options
from cdfi.video.pixels.formats import read_components, write_components
from cdfi.video.timing.frame import OutputFrame
from cdfi.video.timing.scene_changes import mark_scenes
from cdfi.video.timing.spans import spans
from cdfi.video.writing.encoder import SegmentWriter

SECONDS = 5


class Preview(NamedTuple):
    """What a preview shows: its pictures, and how many of them the network made."""

    frames: int
    interpolated: int


def write_preview(
    source: str | Path,
    target: str | Path,
    options: Options | None = None,
    model: ModelSpec | FrameInterpolator | None = None,
    *,
    overwrite: bool = False,
    seconds: float = SECONDS,
) -> Preview:
    """Write the first ``seconds`` of ``source`` beside their interpolation, without sound.

    Raises as ``interpolate_video`` does, and ValueError for ``seconds`` that are no time.
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f"expected a number of seconds above 0 for the preview, got {seconds}")
    source = Path(source)
    target = check_target(source, Path(target), overwrite)
    narrow = plan_job(source, target, options or Options())
    maker = resolve_model(model or ModelSpec())
    with TemporaryDirectory(dir=target.parent, prefix=".cdfi-preview-") as folder:
        job = _widened(narrow, Path(folder) / target.name)
        job.work.path.mkdir()
        writer = SegmentWriter(job.work.part(0), job.encoding, job.source)
        end, made = _end(narrow, seconds), 0
        try:
            for picture in prefetch(_compared(narrow, maker, end), QUEUE_SIZE):
                writer.add(picture)
                made += picture.interpolated
        except BaseException:
            writer.abort()
            raise
        writer.close()
        job.work.finish(0, writer.times, {})
        write_video(job, [SegmentRecord(1, "", writer.times)], job.work.target, end)
        job.work.target.replace(target)
    return Preview(len(writer.times), made)


def _end(job: Job, seconds: float) -> int:
    """The tick at which the clip ends: after ``seconds``, or with the video."""
    start, end = job.timeline.at(job.index.first), job.timeline.at(job.index.end)
    return min(math.ceil(start + Fraction(seconds) / job.timeline.time_base), int(end))


def _widened(job: Job, target: Path) -> Job:
    """``job`` for pictures of two frames side by side, at even sizes."""
    width, height = 2 * (job.source.width & ~1), job.source.height & ~1
    if not width or not height:
        raise ValueError(f"{job.source.path}: frames of one pixel are too small for a preview")
    return replace(
        job, source=replace(job.source, width=width, height=height), work=WorkFolder(target)
    )


def _compared(job: Job, maker: FrameInterpolator, end: int) -> Iterator[OutputFrame]:
    """The result's pictures before ``end``, each beside the source frame of its instant."""
    renderer = Renderer(maker, converter_for(job.source.pix_fmt, job.source.colour, maker))
    options = job.options
    frames = mark_scenes(job.reader().frames(), options.scene_threshold, options.dedup)
    for span in spans(frames, job.timeline, job.index.end, job.options.dedup):
        for picture in renderer.pictures(span):
            if picture.pts >= end:
                return
            shown = span.right if span.right and picture.image is span.right.image else span.left
            yield replace(picture, image=_beside(shown.image, picture.image))


def _beside(left: VideoFrame, right: VideoFrame) -> VideoFrame:
    """Two frames of one format in one, cut to even sizes."""
    pairs = zip(read_components(left), read_components(right))
    full = read_components(left)[0].shape
    rows, columns = (size & ~1 for size in full)
    parts = []
    for first, second in pairs:
        height = -(-rows * first.shape[0] // full[0])
        width = columns * first.shape[1] // full[1]
        parts.append(torch.cat((first[:height, :width], second[:height, :width]), 1))
    image = write_components(parts, left.format.name)
    for field in ("colorspace", "color_primaries", "color_trc", "color_range"):
        setattr(image, field, getattr(left, field))
    return image
