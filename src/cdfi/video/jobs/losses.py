"""Describe the losses of a result: of its picture, its streams and its tags."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.sidedata.sidedata import Type

from cdfi.common.files import media_url
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.rehearsal import usual_step
from cdfi.video.reading.crop import has_crop
from cdfi.video.writing.check import Contents, differences, lost_side_data, side_data_of
from cdfi.video.writing.codecs import container_row
from cdfi.video.writing.pixel_choice import picture_losses

GIF_STEP = Fraction(1, 50)  # browsers show shorter delays as 1/10 s


def planned_losses(job: Job) -> list[str]:
    """Return a line for each loss or change that is known before the first frame."""
    name, encoding = job.source.path.name, job.encoding
    converter, form = encoding.converter, container_row(job.work.target).format
    lines = picture_losses(job.source.pix_fmt, converter.target)
    if form == "gif" and job.source.path.suffix.lower() == ".gif":
        lines = []  # its colours already come from palettes
    if converter.padded is not None:
        width, height = converter.padded
        lines.append(
            f"{converter.width} x {converter.height} becomes {width} x {height}: "
            f"{encoding.row.encoder} stores {converter.target} in such sizes only; the last "
            "column and row are repeated"
        )
    if form == "gif" and usual_step(job) < GIF_STEP:
        lines.append("browsers play frames of less than 1/50 s as 1/10 s: give --fps 50 or less")
    if has_crop(job.source.path):
        lines.append("its crop is not kept: the picture is interpolated and shown without it")
    if job.options.slow > 1 and encoding.rate < job.index.rate * Fraction(999, 1000):
        given = "--fps" if job.options.fps is not None else "--factor"
        lines.append(
            f"the rate falls from {float(job.index.rate):.5g} to {float(encoding.rate):.5g} "
            f"frames/s: without {given}, --slow keeps it"
        )
    if job.streams.left_out:
        lines.append(f"{job.work.target.suffix} cannot hold {', '.join(job.streams.left_out)}")
    return [f"{name}: {line}" for line in lines]


def found_losses(job: Job, result: Path, expected: Contents | None) -> list[str]:
    """Compare a written result with the plan; return a line if something is missing.

    Args:
        job: that was written.
        result: the file, or one of the images.
        expected: what the file should hold; None for images.
    """
    lost = [] if expected is None else differences(result, expected)
    lost += lost_side_data(_side_data(job.source.path), _side_data(result))
    name, suffix = job.source.path.name, job.work.target.suffix
    return [f"{name}: {suffix} does not keep {', '.join(lost)}"] if lost else []


def _side_data(path: Path) -> list[Type]:
    """Return the side data of the first frame of the video at ``path``."""
    try:
        with av.open(media_url(path), metadata_errors="replace") as container:
            return side_data_of(next(container.decode(video=0)))
    except (av.error.FFmpegError, StopIteration, ValueError):
        return []
