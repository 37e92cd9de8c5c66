"""Interpolate to and from pipes: YUV4MPEG2 streams of any length, in constant memory."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from cdfi.common.files import atomic_write, resolve_output
from cdfi.common.prefetch import prefetch
from cdfi.common.progress import Progress
from cdfi.video.interpolate import VideoReport
from cdfi.video.jobs.hold import hold_mask
from cdfi.video.jobs.losses import planned_losses
from cdfi.video.jobs.model import AnyModel, as_model, resolve_model, takes_time
from cdfi.video.jobs.plan import expected_frames, plan_job, readable_source
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.jobs.segments import QUEUE_SIZE, job_items
from cdfi.video.options import Options
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.pixels.formats import to_working
from cdfi.video.reading.source import Source, describe, with_location
from cdfi.video.timing.frame import OutputFrame, SourceFrame
from cdfi.video.timing.scene_changes import mark_scenes
from cdfi.video.timing.spans import spans
from cdfi.video.timing.timeline import ConstantRateTimeline, MultipliedTimeline, Timeline
from cdfi.video.writing.codecs import CODECS
from cdfi.video.writing.pixel_choice import candidates
from cdfi.video.writing.stream_names import is_pipe, is_stream_name
from cdfi.video.writing.y4m import MAGIC, Y4mWriter


@contextmanager
def opened_input(source: Path) -> Iterator[BinaryIO]:
    """Open standard input, or a pipe."""
    if str(source) == "-":
        yield sys.stdin.buffer
    else:
        with source.open("rb") as file:
            yield file


def is_y4m(file: BinaryIO) -> bool:
    """Return whether a stream begins as YUV4MPEG2 does; nothing of it is consumed."""
    peek = getattr(file, "peek", None)
    return peek is not None and bytes(peek(len(MAGIC)))[: len(MAGIC)] == MAGIC


@contextmanager
def spooled(file: BinaryIO) -> Iterator[Path]:
    """Yield a temporary copy of a stream, which can be read more than once."""
    with TemporaryDirectory(prefix="cdfi-") as folder:
        path = Path(folder) / "stream"
        with path.open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        yield path


@contextmanager
def readable_input(source: Path, target: Path) -> Iterator[Path]:
    """Yield a path of ``source`` for a job: a temporary file for a pipe that becomes a file."""
    if not is_pipe(source) or is_stream_name(target):
        yield source
        return
    with opened_input(source) as file, spooled(file) as path:
        yield path


def interpolate_to_stream(
    source: Path,
    target: Path,
    *,
    model: AnyModel | None = None,
    options: Options | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> VideoReport:
    """Interpolate a video or a stream into a YUV4MPEG2 stream, at a constant rate, without sound.

    Args:
        source: a video, a folder or a pattern of images, "-" for standard input, or a pipe.
        target: "-" for standard output, a pipe, or a file, which appears when it is complete.
        model: as in :func:`interpolate_video`.
        options: the same; the encoding is not used.
        overwrite: replace a file.
        progress: called with the number of frames written, and that of all if it is known.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the source or an option is not supported.
    """
    options = options or Options()
    if not is_pipe(target):
        resolve_output(target, overwrite)
    if not is_pipe(source):
        return _from_file(source, target, model, options, progress)
    with opened_input(source) as file:
        if is_y4m(file):
            report = _from_stream(file, target, model, options, progress)
        else:
            with spooled(file) as path:
                report = _from_file(path, target, model, options, progress)
    return replace(report, source=str(source))


@contextmanager
def _opened_output(target: Path) -> Iterator[BinaryIO]:
    if str(target) == "-":
        yield sys.stdout.buffer
    elif target.is_fifo():
        with target.open("wb") as file:
            yield file
    else:
        with atomic_write(target) as part, part.open("wb") as file:
            yield file


def _from_file(
    source: Path, target: Path, model: AnyModel | None, options: Options, progress: Progress | None
) -> VideoReport:
    """Interpolate a source that can be read more than once."""
    chosen = as_model(model)
    with (
        readable_source(source, target, options) as video,
        TemporaryDirectory(prefix="cdfi-") as folder,
    ):
        job = plan_job(video.path, Path(folder) / "stream.y4m", options, chosen)
        interpolator, segments = resolve_model(chosen), range(len(job.boundaries))
        settings = job.encoding
        with (
            _opened_output(target) as file,
            closing(job_items(job, interpolator, job.reader(), segments)) as items,
        ):
            frames = (item.frame for item in items if item.frame is not None)
            writer = Y4mWriter(file, settings.converter, settings.rate, settings.aspect)
            written = _write(writer, frames, expected_frames(job), progress)
        gaps = [f"{source}: {line}" for line in video.warnings]
        return VideoReport(
            str(source), str(target), *written, warnings=[*planned_losses(job), *gaps]
        )


def _from_stream(
    file: BinaryIO,
    target: Path,
    model: AnyModel | None,
    options: Options,
    progress: Progress | None,
) -> VideoReport:
    """Interpolate a stream while it is read."""
    _check_stream_options(options)
    chosen = as_model(model)
    with av.open(file, format="yuv4mpegpipe") as container:
        assert isinstance(container, InputContainer)
        stream = container.streams.video[0]
        images = container.decode(stream)
        first = next(images, None)
        if first is None:
            raise ValueError("the input is a YUV4MPEG2 stream without a frame")
        source = with_location(describe(Path("-"), stream, first), first)
        source = replace(source, time_base=1 / source.rate)
        options = options.settled(source.rate)
        rate = options.fps or source.rate * options.multiplier / options.slow
        (pix_fmt, *_) = candidates(CODECS["rawvideo"], source.pix_fmt)
        converter = FormatConverter(
            source.pix_fmt, pix_fmt, source.colour, source.width, source.height
        )
        timeline = _timeline(source, options, takes_time(chosen))
        hold = hold_mask(options.hold, source)
        network = resolve_model(chosen)
        renderer = Renderer(network, converter, hold, bars=options.black_bars)
        decoding = prefetch(_marked(chain([first], images), options), QUEUE_SIZE)
        # Closed before the container, from which their thread reads.
        with _opened_output(target) as output, closing(decoding) as decoded:
            frames = (
                frame
                for span in spans(decoded, timeline, 0, options.dedup)
                for frame in renderer.frames(span)
            )
            writer = Y4mWriter(output, converter, rate, source.aspect)
            written = _write(writer, frames, None, progress)
    return VideoReport("-", str(target), *written)


def _check_stream_options(options: Options) -> None:
    """Raise ValueError for options that need to know the end of the video, or to read it twice."""
    given = {
        "--start, --end, --duration": any((options.start, options.end, options.duration)),
        "--loop": options.loop,
        "--motion-blur": options.motion_blur is not None,
        "--deinterlace": options.deinterlace,
    }
    if unsuitable := [name for name, is_given in given.items() if is_given]:
        raise ValueError(f"{', '.join(unsuitable)}: needs a file: write the stream to one first")


def _marked(images: Iterable[VideoFrame], options: Options) -> Iterator[SourceFrame]:
    """Yield the frames of a stream, numbered, with their scene cuts."""
    frames = (SourceFrame(number, to_working(image)) for number, image in enumerate(images))
    return mark_scenes(frames, options.scene_threshold, options.sensitivity)


def _timeline(source: Source, options: Options, exact: bool) -> Timeline:
    """Return the instants of a result whose source has a frame each tick."""
    tick = source.time_base
    if options.fps is None:
        return MultipliedTimeline(tick, 0, options.multiplier, options.slow, 1, exact)
    if options.fps < source.rate / options.slow:
        raise ValueError(f"fps {float(options.fps):g} is below the rate of the stream")
    return ConstantRateTimeline(tick, 0, options.fps, options.slow, exact)


def _write(
    writer: Y4mWriter, frames: Iterable[OutputFrame], total: int | None, progress: Progress | None
) -> tuple[int, int]:
    """Write all frames; return how many there are, and how many come from the network."""
    count = interpolated = 0
    with closing(prefetch(frames, QUEUE_SIZE)) as rendered:
        for frame in rendered:
            writer.add(frame.image)
            count += 1
            interpolated += frame.interpolated
            if progress is not None:
                progress(count, total)
    return count, interpolated
