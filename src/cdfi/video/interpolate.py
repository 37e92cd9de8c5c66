"""Interpolate a whole video: the function behind ``cdfi interpolate`` and the library's API."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import av
from typing_extensions import Unpack

from cdfi.common.files import move
from cdfi.common.progress import Progress
from cdfi.video.jobs.animation import write_animation
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.losses import found_losses, planned_losses
from cdfi.video.jobs.model import AnyModel, ModelSpec, as_model
from cdfi.video.jobs.mux import write_images, write_result
from cdfi.video.jobs.plan import check_target, plan_job, readable_source, try_name
from cdfi.video.jobs.run import JobRun, Workers, processes
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.used_options import used_options
from cdfi.video.jobs.watch import JobWatch
from cdfi.video.keywords import Settings, options_from
from cdfi.video.options import Options
from cdfi.video.writing.codecs import is_animation_name, is_pattern


@dataclass(frozen=True)
class VideoReport:
    """What was done.

    Attributes:
        source: path of the source.
        target: path of the result.
        frames: of the result.
        interpolated: how many of the frames come from the network.
        counts: of decisions, by their name.
        warnings: lines about what was lost, damaged or changed.
        options: those that are not at their defaults, and the encoder with all of its own.
    """

    source: str
    target: str
    frames: int
    interpolated: int
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    options: dict[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the report as plain JSON values."""
        return asdict(self)


def interpolate_video(
    source: str | Path,
    target: str | Path,
    *,
    model: AnyModel | None = None,
    options: Options | None = None,
    overwrite: bool = False,
    jobs: int | None = None,
    workers: Workers = "local",
    progress: Progress | None = None,
    watch: JobWatch | None = None,
    **settings: Unpack[Settings],
) -> VideoReport:
    """Interpolate the video ``source`` into ``target``.

    The same call resumes an interrupted one, whose segments stay in a folder beside ``target``.

    Args:
        source: a video, or an animated image; a folder or a pattern of images, with a ``rate``.
        target: path of the result; the suffix selects the container.
        model: a name, a file, a network or an interpolator; by default the default network.
        options: times, sound, scene changes and encoding.
        overwrite: replace ``target``, or the file that it links to; discard other jobs' segments.
        jobs: processes that work on segments in parallel; by default one for each CUDA device.
        workers: "external" leaves all segments to others (``cdfi work``), waits, and joins them.
        progress: called with the number of frames written so far and in total.
        watch: called at the start and, if one process works, with each frame.
        **settings: fields of ``Options`` and ``Encoding``, such as ``factor``, ``fps``, ``codec``.

    Raises:
        FileExistsError: ``target`` exists and ``overwrite`` is false.
        OSError: a file cannot be read or written.
        ValueError: the source or an option is not supported.
    """
    source = Path(source)
    target = check_target(source, _not_a_stream(Path(target)), overwrite)
    chosen, options = as_model(model), options_from(options, settings)
    with readable_source(source, target, options) as video:
        job = plan_job(video.path, target, options, chosen)
        run = JobRun(job, chosen, processes(jobs, chosen, workers), progress, watch)
        try_name(target)
        with _explained(source, target), job.work.lock():
            restarted = run.begin(source, options, overwrite)
            report = _finish(job, run.make_missing(), restarted)
    return _with_source(report, source, video.warnings)


def plan_video(
    source: str | Path,
    target: str | Path,
    *,
    model: ModelSpec,
    options: Options,
    overwrite: bool = False,
) -> Path:
    """Plan the video ``source`` for workers that are started later; return the work folder.

    ``interpolate_video`` with the same arguments computes the remaining segments and joins the
    result.

    Raises:
        OSError, ValueError: as :func:`interpolate_video`.
    """
    source = Path(source)
    target = check_target(source, _not_a_stream(Path(target)), overwrite)
    with readable_source(source, target, options) as video:
        job = plan_job(video.path, target, options, model)
        try_name(target)
        with _explained(source, target), job.work.lock():
            JobRun(job, model, 0, None).begin(source, options, overwrite)
            job.work.keep = True
    return job.work.path


def _with_source(report: VideoReport, source: Path, gaps: Sequence[str]) -> VideoReport:
    """Return the report with the source as the user named it, and lines about missing images."""
    lines = [*report.warnings, *(f"{source}: {line}" for line in gaps)]
    return replace(report, source=str(source), warnings=lines)


def _not_a_stream(target: Path) -> Path:
    """Return ``target``; raise ValueError for a stream, which another function writes."""
    if target.suffix.lower() == ".y4m":
        raise ValueError(f"{target}: a stream is written by cdfi.video.interpolate_to_stream")
    return target


@contextmanager
def _explained(source: Path, target: Path) -> Iterator[None]:
    """Turn a full disk and libav's own errors into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            f"{target}: no space left on the disk; the finished segments are kept: "
            "free some space and repeat the command"
        ) from error
    except av.error.FFmpegError as error:
        raise ValueError(f"{source} could not be interpolated into {target}: {error}") from error


def _finish(job: Job, notes: Counter[str], warnings: list[str]) -> VideoReport:
    """Join the finished segments into the result, which appears in one step."""
    records = _all_records(job)
    frames = sum(len(record.times) for record in records)
    if not frames:
        raise ValueError(f"{job.source.path}: no frame of its video can be decoded")
    losses = planned_losses(job) + _write(job, records, notes)
    job.work.clear()
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(record.counts)
    interpolated = counts.pop("interpolated", 0)
    return VideoReport(
        source=str(job.source.path),
        target=str(job.work.target),
        frames=frames,
        interpolated=interpolated,
        counts=dict(counts),
        warnings=[*warnings, *_reading_warnings(job, notes), *losses],
        options=used_options(job),
    )


def _write(job: Job, records: list[SegmentRecord], notes: Counter[str]) -> list[str]:
    """Write the result and move it to its place; return what it does not hold."""
    if is_pattern(job.work.target):
        return found_losses(job, write_images(job, records), None)
    if is_animation_name(job.work.target):
        write_animation(job, records)
        return []
    part = job.work.new("result.part")
    expected = write_result(job, records, part, notes)
    losses = found_losses(job, part, expected)
    move(part, job.work.target)
    return losses


def _all_records(job: Job) -> list[SegmentRecord]:
    """Return the records of all segments.

    Raises:
        ValueError: a finished segment has been removed or damaged during the run.
    """
    finished = job.finished()
    if lost := [number for number in range(len(job.boundaries)) if number not in finished]:
        raise ValueError(
            f"{job.work.path}: finished segments were removed or changed while the run used them "
            f"({len(lost)} of {len(job.boundaries)}): repeat the command"
        )
    return list(finished.values())


def _reading_warnings(job: Job, notes: Counter[str]) -> list[str]:
    """Return a line for each kind of damage that was found in the source."""
    name = job.source.path.name
    lines = [f"{name}: {count} {reason}" for reason, count in notes.items()]
    lines += [f"{name}: {text}" for text in job.index.warnings]
    if job.index.damage:
        lines.append(job.index.damage)
    return lines
