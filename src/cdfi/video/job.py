"""Interpolating a whole video: the one call that the command and the library share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av

from .codecs import codec_row, container_row, encoder_format
from .encoder import EncoderSettings, encoder_options
from .index import Index, read_index
from .lock import locked
from .maker import FrameMaker, Model, built, identity
from .mux import write_result
from .options import Options
from .segments import Job, make_segments
from .source import Source, read_source
from .timeline import Clock
from .workfolder import WorkFolder, fingerprint

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What was done: pictures written and made, decisions by their name, and warnings."""

    source: str
    target: str
    pictures: int
    made: int
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def plan_job(source: Path, target: Path, options: Options) -> Job:
    """Everything about a job that is settled before the first frame is made.

    Raises OSError or ValueError for a source that cannot be read or options that do not fit it.
    """
    found, index = read_source(source), read_index(source)
    if len(index.times) < 2:
        raise ValueError(f"{source} has a single frame: there is nothing to interpolate between")
    if found.interlaced and not options.deinterlace:
        raise ValueError(f"{source} is interlaced: give --deinterlace to make whole frames first")
    clock = options.clock(found, index)
    encoding = _settings(found, index, clock, options, target)
    return Job(found, index, clock, options, encoding, WorkFolder(target))


def _settings(
    source: Source, index: Index, clock: Clock, options: Options, target: Path
) -> EncoderSettings:
    """The encoder's settings for the result."""
    asked = options.encoding
    container_row(target)
    row = codec_row(asked.codec, target, source.pix_fmt)
    wanted: dict[str, str] = {}
    if asked.crf is not None and row.quality:
        wanted[row.quality] = f"{asked.crf:g}"
    if asked.preset is not None and row.speed:
        wanted[row.speed] = asked.preset
    rate = options.fps or index.rate * (options.factor or options.slow) / options.slow
    return EncoderSettings(
        row=row,
        pix_fmt=asked.pix_fmt or encoder_format(row, source.pix_fmt, source.width, source.height),
        time_base=clock.time_base,
        rate=rate.limit_denominator(1001),
        options=encoder_options(row, source, wanted | dict(asked.extra)),
    )


def interpolate_video(
    source: str | Path,
    target: str | Path,
    options: Options | None = None,
    model: Model | FrameMaker | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Interpolate the video ``source`` into ``target``.

    ``model`` makes the frames: by default the default network on the best device there is.
    ``progress`` is called with the pictures written so far and the number expected. Interrupted
    work stays in a folder beside ``target``; the same call takes it up.

    Raises FileExistsError where ``target`` exists and ``overwrite`` is false, and OSError or
    ValueError for what cannot be read, done or written.
    """
    source, target = Path(source), Path(target)
    _check_target(source, target, overwrite)
    job = plan_job(source, target, options or Options())
    maker = built(model or Model())
    job.work.path.mkdir(exist_ok=True)
    with locked(job.work.path, target):
        job.work.open(_identity(job, identity(maker)), overwrite)
        notes = _make_missing(job, maker, progress)
        report = _finish(job, notes)
    job.work.remove()
    return report


def _check_target(source: Path, target: Path, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} does not exist: make the output folder first")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, expected a video file's name")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"{target} is the source itself: expected another name for the result")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists: give --overwrite to replace it")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"{target.parent} is not writable: choose another output folder")


def _identity(job: Job, model: str) -> dict[str, object]:
    """What must be the same for unfinished work to be taken up."""
    return {
        "source": fingerprint(job.source.path),
        "model": model,
        "options": job.options.as_json(),
        "encoder": [job.encoding.row.encoder, job.encoding.pix_fmt, dict(job.encoding.options)],
        "libav": av.__version__,
    }


def expected_pictures(job: Job) -> int:
    """How many pictures the result has."""
    first, last = job.index.first, int(job.index.times[-1])
    if job.options.fps is None:
        factor = job.options.factor or (job.options.slow if job.options.slow > 1 else 2)
        return factor * (len(job.index.times) - 1) + 1
    return len(job.clock.ticks(first, last)) + len(job.clock.tail(last, job.index.end))


def _make_missing(job: Job, maker: FrameMaker, progress: Progress | None) -> Counter[str]:
    """Make every segment that is not finished yet."""
    done, total = 0, expected_pictures(job)
    for number in range(len(job.boundaries)):
        record = job.work.record(number)
        done += len(record.times) if record else 0

    def shown(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    shown(0)
    notes: Counter[str] = Counter()
    for run in job.missing():
        notes.update(make_segments(job, maker, run, shown))
    return notes


def _finish(job: Job, notes: Counter[str]) -> Report:
    """Join the finished segments into the result, which appears whole."""
    records = [job.work.record(number) for number in range(len(job.boundaries))]
    whole = [record for record in records if record is not None]
    assert len(whole) == len(records), "a finished segment has vanished"
    pictures = sum(len(record.times) for record in whole)
    if not pictures:
        raise ValueError(f"{job.source.path}: no frame of its video can be decoded")
    part = job.work.path / f"result{job.work.target.suffix}.part"
    left_out = write_result(job, whole, part)
    part.replace(job.work.target)
    counts: Counter[str] = Counter()
    for record in whole:
        counts.update(record.counts)
    made = counts.pop("made", 0)
    return Report(
        source=str(job.source.path),
        target=str(job.work.target),
        pictures=pictures,
        made=made,
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
