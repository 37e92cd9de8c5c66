"""Plan a job without doing it: sizes, times, losses, memory, duration."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import psutil
import torch
from typing_extensions import Unpack

from cdfi.interpolation import Interpolator
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.losses import planned_losses
from cdfi.video.jobs.model import (
    AnyModel,
    FrameInterpolator,
    Model,
    as_model,
    fingerprint,
    resolve_model,
)
from cdfi.video.jobs.plan import expected_frames, image_rate, plan_job
from cdfi.video.keywords import Settings, options_from
from cdfi.video.options import Options
from cdfi.video.reading.image_sequences import readable

HALF = [Fraction(1, 2)]


def estimate(
    source: str | Path,
    target: str | Path,
    *,
    model: AnyModel | None = None,
    options: Options | None = None,
    **settings: Unpack[Settings],
) -> dict[str, object]:
    """Return the plan of ``interpolate_video`` with the same arguments, as JSON values.

    Times are in seconds, memory and disk space in bytes. One frame of the video's size is
    interpolated, to time the network; nothing is written beside ``target``.

    Raises:
        OSError, ValueError: as ``interpolate_video``.
    """
    chosen, options = as_model(model), options_from(options, settings)
    rate = image_rate(options, Path(target))
    with readable(Path(source), rate, options.fill_gaps) as video:
        job = plan_job(video.path, Path(target), options, chosen)
        found = _estimate(job, chosen)
        losses = [*planned_losses(job), *(f"{source}: {line}" for line in video.warnings)]
        return {**found, "source": str(source), "losses": losses}


def _estimate(job: Job, chosen: Model) -> dict[str, object]:
    """Return the plan of ``job``."""
    interpolator = resolve_model(chosen)
    frames, source_frames = expected_frames(job), len(job.index.times)
    job.work.serve(job.identity(fingerprint(chosen)))
    finished = job.finished()
    left = max(frames - sum(len(record.times) for record in finished.values()), 0)
    one = _seconds_per_frame(job, interpolator)
    length = job.timeline.at(job.index.end) - job.timeline.at(job.index.first)
    return {
        "source": str(job.source.path),
        "target": str(job.work.target),
        "size": list(job.encoding.converter.size),
        "pixel_format": [job.source.pix_fmt, job.encoding.converter.target],
        "encoder": job.encoding.row.encoder,
        "source_frames": source_frames,
        "frames": frames,
        "rate": [round(float(job.index.rate), 3), round(float(job.encoding.rate), 3)],
        "duration": round(float(length * job.timeline.time_base), 3),
        "segments": {"all": len(job.boundaries), "finished": len(finished)},
        "losses": [],
        "memory": _network_memory(job, interpolator),
        "free_disk": psutil.disk_usage(str(job.work.target.absolute().parent)).free,
        "seconds_per_interpolated_frame": round(one, 3),
        "estimated_seconds": round(one * left * max(1 - source_frames / frames, 0), 1),
    }


def _seconds_per_frame(job: Job, interpolator: FrameInterpolator) -> float:
    """Return how long one frame takes, measured after a warm-up with a small one."""
    for height, width in ((32, 32), (job.source.height, job.source.width)):
        frames = torch.rand(2, 3, height, width)
        begin = time.perf_counter()
        for _ in interpolator.between(frames[0], frames[1], HALF, Fraction(1, 16)):
            pass
    return time.perf_counter() - begin


def _network_memory(job: Job, interpolator: FrameInterpolator) -> int | None:
    """Return what the network takes at its peak; None if it is not an ``Interpolator``."""
    if not isinstance(interpolator, Interpolator):
        return None
    return interpolator.engine.peak_bytes(job.source.height, job.source.width)
