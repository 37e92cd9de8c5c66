"""Write a short clip that shows the source on the left and the result on the right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from av.video.frame import VideoFrame
from typing_extensions import Unpack

from cdfi.common.files import create, move
from cdfi.common.prefetch import prefetch
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.job_frames import part_frames, part_spans
from cdfi.video.jobs.model import AnyModel, FrameInterpolator, as_model, resolve_model
from cdfi.video.jobs.motion_blur import blurred_items
from cdfi.video.jobs.mux import write_video
from cdfi.video.jobs.plan import check_target, plan_job, readable_source, try_name
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.segments import QUEUE_SIZE
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.keywords import Settings, options_from
from cdfi.video.options import Options
from cdfi.video.pixels.formats import (
    copy_colour_tags,
    read_components,
    reformatted,
    working_format,
    write_components,
)
from cdfi.video.pixels.orientation import Orientation, orientation
from cdfi.video.timing.frame import OutputFrame
from cdfi.video.writing.codecs import ANIMATIONS, Y4M, container_row
from cdfi.video.writing.encoder import SegmentWriter

SECONDS = 5


class Preview(NamedTuple):
    """What a preview shows.

    Attributes:
        frames: how many it has.
        interpolated: how many of them come from the network.
    """

    frames: int
    interpolated: int


def write_preview(
    source: str | Path,
    target: str | Path,
    *,
    model: AnyModel | None = None,
    options: Options | None = None,
    overwrite: bool = False,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Preview:
    """Write some seconds of ``source`` beside their interpolation, without sound.

    Args:
        source: path of the video.
        target: path of the clip.
        model: as in ``interpolate_video``.
        options: the same; ``start``, ``end`` and ``duration`` choose the part that is shown.
        overwrite: replace ``target`` if it exists.
        seconds: length of the clip. By default that of the part, or 5 if only its start is given.
        **settings: as in ``interpolate_video``.

    Raises:
        OSError, ValueError: as ``interpolate_video``.
        ValueError: ``seconds`` is not above 0, or not finite.
    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"expected a number of seconds above 0 for the preview, got {seconds}")
    source = Path(source)
    target = check_target(source, Path(target), overwrite)
    chosen, options = as_model(model), options_from(options, settings)
    if options.end is None and options.duration is None:
        seconds = seconds or SECONDS
    if container_row(target).format in ("image2", Y4M, *ANIMATIONS):
        raise ValueError(f"{target}: a preview is a video: give a name such as preview.mp4")
    with (
        readable_source(source, target, options) as video,
        TemporaryDirectory(dir=target.parent, prefix=".cdfi-preview-") as folder,
    ):
        job = plan_job(video.path, target, options, chosen)
        interpolator = resolve_model(chosen)
        try_name(target)
        return _write(job, interpolator, seconds or math.inf, Path(folder))


def _write(job: Job, interpolator: FrameInterpolator, seconds: float, folder: Path) -> Preview:
    """Write the preview of ``job`` in ``folder``, and move it to its place."""
    target = job.work.target
    wide = _widened(job, folder / f"preview{target.suffix}")
    wide.work.path.mkdir()
    end = _end(job, seconds)
    times, interpolated = _encode(wide, _compared(job, interpolator, end))
    write_video(wide, [SegmentRecord(1, "", times)], wide.work.target, end)
    move(wide.work.target, target)
    return Preview(len(times), interpolated)


def _encode(job: Job, frames: Iterator[OutputFrame]) -> tuple[list[int], int]:
    """Write ``frames`` as the job's only segment; return their times, and the interpolated."""
    writer, interpolated = SegmentWriter(create(job.work.part(0)), job.encoding), 0
    try:
        with closing(prefetch(frames, QUEUE_SIZE)) as rendered:
            for frame in rendered:
                writer.add(frame)
                interpolated += frame.interpolated
    except BaseException:
        writer.abort()
        raise
    writer.close()
    job.work.finish(0, writer.times, {})
    return writer.times, interpolated


def _end(job: Job, seconds: float) -> int:
    """Return the tick at which the clip ends: after ``seconds``, or with the video."""
    start, end = job.timeline.at(job.index.first), job.timeline.at(job.index.end)
    if seconds == math.inf:
        return int(end)
    return min(math.ceil(start + Fraction(seconds) / job.timeline.time_base), int(end))


def _widened(job: Job, target: Path) -> Job:
    """Return ``job`` for frames of two frames side by side, at even sizes."""
    width, height = (size & ~1 for size in job.encoding.converter.size)
    if not width or not height:
        raise ValueError(f"{job.source.path}: frames of one pixel are too small for a preview")
    if orientation(job.source.matrix).transposed:
        height *= 2
    else:
        width *= 2
    converter = replace(job.encoding.converter, width=width, height=height, padded=None)
    encoding = replace(job.encoding, converter=converter)
    return replace(job, encoding=encoding, work=WorkFolder(target))


def _compared(job: Job, interpolator: FrameInterpolator, end: int) -> Iterator[OutputFrame]:
    """Yield the result's frames before ``end``, side by side with the source frames."""
    bars = job.options.black_bars
    renderer = Renderer(interpolator, job.encoding.converter, job.hold, bars=bars)
    pairs = _with_source if job.options.motion_blur is None else _blurred_with_source
    for source, frame in pairs(job, renderer):
        if frame.pts >= end:
            return
        left = job.encoding.converter.convert(source)
        yield replace(frame, image=_beside(left, frame.image, orientation(job.source.matrix)))


def _with_source(job: Job, renderer: Renderer) -> Iterator[tuple[VideoFrame, OutputFrame]]:
    """Yield each frame of the result after the source frame that is shown at its instant."""
    for span in part_spans(job, part_frames(job, job.reader(), 0)):
        for instant, frame in zip(span.instants, renderer.frames(span)):
            yield span.source_at(instant.t).image, frame


def _blurred_with_source(job: Job, renderer: Renderer) -> Iterator[tuple[VideoFrame, OutputFrame]]:
    """Yield each blurred frame after the source frame that is shown when its shutter opens."""
    frames = part_frames(job, job.reader(), 0)
    source: VideoFrame | None = None
    for item in blurred_items(job, renderer, frames, range(len(job.boundaries))):
        if item.span is not None:
            source = item.span.left.image
        if item.frame is not None and source is not None:
            yield source, item.frame


def _beside(left: VideoFrame, right: VideoFrame, turned: Orientation) -> VideoFrame:
    """Return two frames of one format in one, cut to even sizes, and shown side by side."""
    if turned.across:
        left, right = right, left
    pix_fmt = left.format.name
    working = working_format(pix_fmt) if _is_known(pix_fmt) else "rgb24"
    if working != pix_fmt:  # formats that interleave or pack their samples
        left, right = reformatted(left, working), reformatted(right, working)
    pairs = zip(read_components(left), read_components(right))
    full = read_components(left)[0].shape
    rows, columns = (size & ~1 for size in full)
    parts = []
    for first, second in pairs:
        height = -(-rows * first.shape[0] // full[0])
        width = columns * first.shape[1] // full[1]
        both = first[:height, :width], second[:height, :width]
        parts.append(torch.cat(both, 0 if turned.transposed else 1))
    image = write_components(parts, working)
    copy_colour_tags(left, image)
    return image if working == pix_fmt else reformatted(image, pix_fmt)


def _is_known(pix_fmt: str) -> bool:
    try:
        return bool(working_format(pix_fmt))
    except ValueError:
        return False
