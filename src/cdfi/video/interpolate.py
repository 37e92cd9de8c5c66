"""Interpolating a whole video: the one call that the command and the library share."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av

from cdfi.common.progress import Progress
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec, fingerprint, resolve_model
from cdfi.video.jobs.mux import write_images, write_result
from cdfi.video.jobs.parallel import make_in_parallel, processes_for
from cdfi.video.jobs.plan import check_target, expected_frames, plan_job
from cdfi.video.jobs.segments import make_segments
from cdfi.video.jobs.workfolder import file_fingerprint
from cdfi.video.options import Options
from cdfi.video.writing.codecs import is_pattern


@dataclass(frozen=True)
class VideoReport:
    """What was done: frames written and interpolated, decisions by their name, and warnings."""

    source: str
    target: str
    frames: int
    interpolated: int
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def interpolate_video(
    source: str | Path,
    target: str | Path,
    options: Options | None = None,
    model: ModelSpec | FrameInterpolator | None = None,
    *,
    overwrite: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> VideoReport:
    """Interpolate the video ``source`` into ``target``.

    ``model`` makes the frames: by default the default network on the best device there is.
    ``jobs`` processes make segments side by side: by default one for each CUDA device.
    ``progress`` is called with the pictures written so far and the number expected. Interrupted
    work stays in a folder beside ``target``; the same call takes it up.

    Raises FileExistsError where ``target`` exists and ``overwrite`` is false, and OSError or
    ValueError for what cannot be read, done or written.
    """
    source, target = Path(source), Path(target)
    check_target(source, target, overwrite)
    job = plan_job(source, target, options or Options())
    model = model or ModelSpec()
    count = processes_for(jobs, model)
    maker = resolve_model(model)
    with job.work.lock(), _explained(source, target):
        job.work.begin(_identity(job, fingerprint(maker)), overwrite)
        notes = _make_missing(job, model if count > 1 else maker, count, progress)
        report = _finish(job, notes)
        job.work.clear()
    return report


@contextmanager
def _explained(source: Path, target: Path) -> Iterator[None]:
    """Turn a full disk, and what libav alone can name, into an error that says what to do."""
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
        raise ValueError(f"{source} could not be made into {target}: {error}") from error


def _identity(job: Job, model: str) -> dict[str, object]:
    """What must be the same for unfinished work to be taken up."""
    return {
        "source": file_fingerprint(job.source.path),
        "model": model,
        "options": job.options.as_json(),
        "encoder": [
            job.encoding.row.encoder,
            job.encoding.fitter.target,
            dict(job.encoding.options),
        ],
        "libav": av.__version__,
    }


def _make_missing(
    job: Job, model: ModelSpec | FrameInterpolator, jobs: int, progress: Progress | None
) -> Counter[str]:
    """Make every segment that is not finished yet."""
    done, total = 0, expected_frames(job)
    for number in range(len(job.boundaries)):
        record = job.work.record(number)
        done += len(record.times) if record else 0

    def shown(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    shown(0)
    missing = job.missing()
    if jobs > 1:
        numbers = [number for run in missing for number in run]
        return make_in_parallel(job, model, numbers, min(jobs, max(len(numbers), 1)), shown)
    notes: Counter[str] = Counter()
    for run in missing:
        notes.update(make_segments(job, resolve_model(model), run, shown))
    return notes


def _finish(job: Job, notes: Counter[str]) -> VideoReport:
    """Join the finished segments into the result, which appears whole."""
    records = [job.work.record(number) for number in range(len(job.boundaries))]
    whole = [record for record in records if record is not None]
    assert len(whole) == len(records), "a finished segment has vanished"
    frames = sum(len(record.times) for record in whole)
    if not frames:
        raise ValueError(f"{job.source.path}: no frame of its video can be decoded")
    left_out: list[str] = []
    if is_pattern(job.work.target):
        write_images(job, whole)
    else:
        part = job.work.path / f"result{job.work.target.suffix}.part"
        left_out = write_result(job, whole, part, notes)
        part.replace(job.work.target)
    counts: Counter[str] = Counter()
    for record in whole:
        counts.update(record.counts)
    interpolated = counts.pop("interpolated", 0)
    return VideoReport(
        source=str(job.source.path),
        target=str(job.work.target),
        frames=frames,
        interpolated=interpolated,
        counts=dict(counts),
        warnings=_warnings(job, left_out, notes),
    )


def _warnings(job: Job, left_out: list[str], notes: Counter[str]) -> list[str]:
    name = job.source.path.name
    lines = [f"{name}: {count} {reason}" for reason, count in notes.items()]
    if left_out:
        lines.append(f"{name}: {job.work.target.suffix} cannot hold {', '.join(left_out)}")
    if job.index.damage:
        lines.append(job.index.damage)
    return lines
