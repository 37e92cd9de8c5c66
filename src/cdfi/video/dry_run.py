"""Plan a job without doing it: sizes, times, losses, memory, duration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from typing_extensions import Unpack

from cdfi.interpolation import Interpolator
from cdfi.video.frame_times import WARM_UP, FrameTime, frame_time
from cdfi.video.jobs.disk import disk_need, free_disk
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.losses import planned_losses
from cdfi.video.jobs.model import (
    AnyModel,
    FrameInterpolator,
    Model,
    ModelSpec,
    as_model,
    fingerprint,
    resolve_model,
)
from cdfi.video.jobs.motion_blur import open_instants
from cdfi.video.jobs.plan import expected_frames, plan_job, readable_source
from cdfi.video.keywords import Settings, options_from
from cdfi.video.options import Options

TRIAL_PIXELS = 320 * 180  # of the frames that time the network, at most


def estimate(
    source: str | Path,
    target: str | Path,
    *,
    model: AnyModel | None = None,
    options: Options | None = None,
    **settings: Unpack[Settings],
) -> dict[str, object]:
    """Return the plan of ``interpolate_video`` with the same arguments, as JSON values.

    Times are in seconds, memory and disk space in bytes. A few small frames are interpolated, to
    time the network, unless that was done in the last 24 hours; nothing is written beside
    ``target``.

    Raises:
        OSError, ValueError: as ``interpolate_video``.
    """
    chosen, options = as_model(model), options_from(options, settings)
    with readable_source(Path(source), Path(target), options) as video:
        job = plan_job(video.path, Path(target), options, chosen)
        found = _estimate(job, chosen)
        losses = [*planned_losses(job), *(f"{source}: {line}" for line in video.warnings)]
        return {"source": str(source), **found, "losses": losses}


def _estimate(job: Job, chosen: Model) -> dict[str, object]:
    """Return the plan of ``job``."""
    uncompiled = _uncompiled(chosen)
    interpolator = resolve_model(uncompiled)
    frames, source_frames = expected_frames(job), len(job.index.times)
    job.work.serve(job.identity(fingerprint(chosen)))
    finished = job.finished()
    left = max(frames - sum(len(record.times) for record in finished.values()), 0)
    one = _seconds_per_frame(job, uncompiled, interpolator)
    count = left * _passes_per_frame(job, source_frames / frames)
    length = job.timeline.at(job.index.end) - job.timeline.at(job.index.first)
    return {
        "target": str(job.work.target),
        "size": list(job.encoding.converter.size),
        "pixel_format": [job.source.pix_fmt, job.encoding.converter.target],
        "encoder": job.encoding.row.encoder,
        "source_frames": source_frames,
        "frames": frames,
        "rate": [round(float(job.index.rate), 3), round(float(job.encoding.rate), 3)],
        "duration": round(float(length * job.timeline.time_base), 3),
        "segments": {"all": len(job.boundaries), "finished": len(finished)},
        "memory": _network_memory(job, interpolator),
        "disk_needed": disk_need(job, left),
        "free_disk": free_disk(job.work.target),
        "seconds_per_interpolated_frame": round(one.usual, 3),
        "estimated_seconds": round(one.usual * count, 1),
        "estimated_seconds_range": [round(one.least * count, 1), round(one.most * count, 1)],
    }


def _passes_per_frame(job: Job, source_fraction: float) -> float:
    """Return how often the network runs for each frame of the result, on average.

    Args:
        job: the job.
        source_fraction: how many source frames there are for each frame of the result.
    """
    angle = job.options.motion_blur
    return max(1 - source_fraction, 0) if angle is None else open_instants(angle)


def _uncompiled(model: Model) -> Model:
    """Return ``model`` without compilation, which would take too long for a plan."""
    return replace(model, compile=False) if isinstance(model, ModelSpec) else model


def _seconds_per_frame(job: Job, model: Model, interpolator: FrameInterpolator) -> FrameTime:
    """Return how long a frame takes, from small ones."""
    width, height = job.source.width, job.source.height
    scale = max((width * height / TRIAL_PIXELS) ** 0.5, 1)
    if isinstance(model, ModelSpec) and model.uses_runtime:
        scale = 1.0  # another runtime has a file for each size
    size = max(round(height / scale), 1), max(round(width / scale), 1)
    found = frame_time(model, interpolator, size, size if scale == 1 else WARM_UP)
    return found.scaled(width * height / (size[0] * size[1]))


def _network_memory(job: Job, interpolator: FrameInterpolator) -> int | None:
    """Return what the network takes at its peak; None if it is not an ``Interpolator``."""
    if not isinstance(interpolator, Interpolator):
        return None
    return interpolator.engine.peak_bytes(job.source.height, job.source.width)
