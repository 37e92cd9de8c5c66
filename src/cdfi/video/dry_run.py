"""What a job would do, before it is done: sizes, times, memory, how long it takes."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import torch

from cdfi.interpolation import Interpolator
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.losses import planned_losses
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec, fingerprint, resolve_model
from cdfi.video.jobs.plan import expected_frames, plan_job
from cdfi.video.options import Options

HALF = [Fraction(1, 2)]


def estimate(
    source: str | Path,
    target: str | Path,
    options: Options | None = None,
    model: ModelSpec | FrameInterpolator | None = None,
) -> dict[str, object]:
    """The plan of ``interpolate_video`` with the same arguments, as JSON values.

    Times are seconds, memory is bytes. One frame of the video's size is made, to time the network;
    nothing is written. Raises OSError or ValueError as ``interpolate_video`` does.
    """
    job = plan_job(Path(source), Path(target), options or Options())
    maker = resolve_model(model or ModelSpec())
    pictures, frames = expected_frames(job), len(job.index.times)
    job.work.serve(job.identity(fingerprint(maker)))
    finished = job.finished()
    left = max(pictures - sum(len(record.times) for record in finished.values()), 0)
    one = _seconds_a_frame(job, maker)
    length = job.timeline.at(job.index.end) - job.timeline.at(job.index.first)
    return {
        "source": str(job.source.path),
        "target": str(job.work.target),
        "size": [job.source.width, job.source.height],
        "pixel_format": [job.source.pix_fmt, job.encoding.converter.target],
        "encoder": job.encoding.row.encoder,
        "source_frames": frames,
        "frames": pictures,
        "rate": [round(float(job.index.rate), 3), round(float(job.encoding.rate), 3)],
        "duration": round(float(length * job.timeline.time_base), 3),
        "segments": {
            "all": len(job.boundaries),
            "finished": len(finished),
        },
        "losses": planned_losses(job)
        + [f"{job.work.target.suffix} cannot hold {what}" for what in job.streams.left_out],
        "memory": _network_memory(job, maker),
        "seconds_per_interpolated_frame": round(one, 3),
        "estimated_seconds": round(one * left * max(1 - frames / pictures, 0), 1),
    }


def _seconds_a_frame(job: Job, maker: FrameInterpolator) -> float:
    """How long the network takes for a frame, measured on one after a warm-up on a small one."""
    for height, width in ((32, 32), (job.source.height, job.source.width)):
        frames = torch.rand(2, 3, height, width)
        begin = time.perf_counter()
        for _ in maker.between(frames[0], frames[1], HALF, Fraction(1, 16)):
            pass
    return time.perf_counter() - begin


def _network_memory(job: Job, maker: FrameInterpolator) -> int | None:
    """What the network takes at its peak; None for a stand-in that cannot tell."""
    if not isinstance(maker, Interpolator):
        return None
    return maker.engine.peak_bytes(job.source.height, job.source.width)
