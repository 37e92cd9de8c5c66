"""Estimate the disk space that a job needs, and compare it with the free space."""

from __future__ import annotations

from pathlib import Path

import psutil

from cdfi.video.jobs.job import Job
from cdfi.video.reading.stand_in import images_of_stand_in, stand_in
from cdfi.video.writing.codecs import is_pattern

#: Approximate bytes per pixel of encoders whose rate depends on the size of the picture.
BYTES_PER_PIXEL = {"ffv1": 0.9, "png": 1.6, "prores_ks": 0.45, "rawvideo": 1.5}
LOSSLESS = 0.9  # bytes per pixel of other encoders
SEGMENTS_AND_RESULT = 2  # the segments are removed when the result is complete


def disk_need(job: Job, frames: int) -> int:
    """Return an estimate of the bytes that a job of ``frames`` frames takes at its peak.

    Encoders with a constant quality are assumed to write as many bytes per frame as the source has.
    """
    width, height = job.encoding.converter.size
    bytes_per_pixel = BYTES_PER_PIXEL.get(job.encoding.row.encoder)
    if bytes_per_pixel is None and job.options.encoding.quality == "lossless":
        bytes_per_pixel = LOSSLESS
    if bytes_per_pixel is None:
        size = _source_bytes(job.source.path) / max(len(job.index.times), 1)
    else:
        size = bytes_per_pixel * width * height * (2 if _is_deep(job) else 1)
    copies = 1 if is_pattern(job.work.target) else SEGMENTS_AND_RESULT
    return int(size * frames * copies)


def free_disk(target: Path) -> int:
    """Return the free bytes of the disk that a result is written to."""
    folder = target.absolute().parent
    while not folder.exists():
        folder = folder.parent
    return int(psutil.disk_usage(str(folder)).free)


def disk_warning(job: Job, frames: int) -> str | None:
    """Return a line if the disk may not have enough free space; None if it has."""
    needed, free = disk_need(job, frames), free_disk(job.work.target)
    if needed <= free:
        return None
    return (
        f"{job.work.target}: the job needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB "
        "are free: free some space, or choose a smaller --quality; a full disk stops the job, and "
        "the same command continues it"
    )


def _source_bytes(path: Path) -> int:
    """Return the size of a video, or of all images of a numbered sequence."""
    files = [path] if stand_in(path) is None else images_of_stand_in(path)
    return sum(file.stat().st_size for file in files)


def _is_deep(job: Job) -> bool:
    return any(bits in job.encoding.converter.target for bits in ("10", "12", "14", "16"))
