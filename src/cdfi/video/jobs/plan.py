"""Plan a job: everything that is decided before its first frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from cdfi.common.files import check_apart, create, require_parent, resolve_output
from cdfi.video.jobs.hold import hold_mask
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import Model, takes_time
from cdfi.video.jobs.rehearsal import rehearse
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.options import Options
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.reading.image_sequences import Stills, is_image_sequence, readable
from cdfi.video.reading.index import Index
from cdfi.video.reading.interlacing import survey_fields
from cdfi.video.reading.listed_index import index_of
from cdfi.video.reading.part import part_of
from cdfi.video.reading.source import Source, read_source
from cdfi.video.timing.timeline import Timeline
from cdfi.video.writing.codecs import (
    Y4M,
    CodecRow,
    check_fit,
    codec_row,
    container_row,
    is_pattern,
    numbered,
)
from cdfi.video.writing.encoder import EncoderSettings
from cdfi.video.writing.encoder_options import encoder_options
from cdfi.video.writing.pixel_choice import candidates, even_size
from cdfi.video.writing.quality import asked_options, fitting_formats

UNTIMED = Fraction(25)  # rate of images that become images, where it does not matter


def plan_job(source: Path, target: Path, options: Options, model: Model | None = None) -> Job:
    """Return the job that interpolates ``source`` into ``target``.

    The header of the result is tried with all its streams, in a temporary folder.

    Args:
        source: the video.
        target: the result.
        options: what the result is to be.
        model: decides whether frames are computed at their exact instants; by default they are not.

    Raises:
        OSError: the source cannot be read.
        ValueError: the source, or an option for it, is not supported.
    """
    first_look = read_source(source)
    check_fit(codec_row(options.encoding.codec, target, first_look.pix_fmt), target)
    index = index_of(source)
    found = survey_fields(first_look, index)
    hold_mask(options.hold, found)
    part = part_of(index, options.start, options.end, options.duration, path=source)
    if len(part.times) < 2 and (options.loop or not part.follows):
        what = "has" if part.first == index.first else "has from that start on"
        raise ValueError(f"{source} {what} a single frame: there is nothing to interpolate between")
    if found.interlaced and not options.deinterlace:
        raise ValueError(f"{source} is interlaced: give --deinterlace to make whole frames first")
    if options.loop:
        part = replace(part, follows=True)
    usual = _usual_rate(found, part)
    options = options.settled(usual)
    if container_row(target).format == Y4M and options.fps is None:  # which stores no times
        options = replace(options, factor=None, fps=usual * options.multiplier / options.slow)
    exact = model is not None and takes_time(model)
    timeline = options.timeline(found, part, exact=exact)
    encodings = _encodings(found, part, timeline, options, target)
    job = Job(found, part, index, timeline, options, encodings[0], WorkFolder(target))
    return rehearse(job, encodings)


def _usual_rate(source: Source, index: Index) -> Fraction:
    """Return the rate of a source: the nominal one if its frames keep to it."""
    near = abs(source.rate - index.rate) <= index.rate / 1000
    return source.rate if near else index.rate.limit_denominator(1001)


def _encodings(
    source: Source, index: Index, timeline: Timeline, options: Options, target: Path
) -> list[EncoderSettings]:
    """Return the encoder's settings with each pixel format, those that lose least first."""
    asked = options.encoding
    row = codec_row(asked.codec, target, source.pix_fmt)
    rate = options.fps or index.rate * options.multiplier / options.slow
    listed = [asked.pix_fmt] if asked.pix_fmt else candidates(row, source.pix_fmt)
    formats = fitting_formats(row, asked, listed)
    return [
        EncoderSettings(
            row=row,
            converter=_converter(row, source, pix_fmt),
            time_base=timeline.time_base,
            rate=rate.limit_denominator(1001),
            options=encoder_options(row, source, asked_options(row, asked, pix_fmt)),
            aspect=source.aspect,
        )
        for pix_fmt in formats
    ]


def _converter(row: CodecRow, source: Source, pix_fmt: str) -> FormatConverter:
    width, height = source.width, source.height
    size = even_size(row, pix_fmt, width, height)
    padded = None if size == (width, height) else size
    return FormatConverter(source.pix_fmt, pix_fmt, source.colour, width, height, padded)


@contextmanager
def readable_source(source: Path, target: Path, options: Options) -> Iterator[Stills]:
    """Yield what is read for ``source``: a stand-in for images, else ``source`` itself.

    Raises:
        OSError: an image cannot be read.
        ValueError: options for images are missing, or given for a video.
    """
    if (options.rate is not None or options.fill_gaps) and not is_image_sequence(source):
        raise ValueError(f"{source} has times of its own: --rate and --fill-gaps are for images")
    rate = options.rate or (UNTIMED if is_pattern(target) else None)
    with readable(source, rate, options.fill_gaps) as stills:
        yield stills


def check_target(source: Path, target: Path, overwrite: bool) -> Path:
    """Return the file that the result is written to: ``target``, or the file that it links to.

    Raises:
        OSError: it exists and ``overwrite`` is false, or it cannot be written.
        ValueError: it is the source itself.
    """
    with _named(target):
        target.lstat()
    require_parent(target)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, expected a video file's name")
    check_apart(source, target)
    if is_pattern(target):
        existing = numbered(target)
        if existing and not overwrite:
            raise FileExistsError(f"{existing[0]} exists: give --overwrite to replace it")
    else:
        target = resolve_output(target, overwrite)
    require_parent(target)
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"{target.parent} is not writable: choose another output folder")
    return target


def try_name(target: Path) -> None:
    """Check that a file named as ``target`` can be created in its folder.

    It is created in a temporary folder beside ``target``, so a run that is killed meanwhile leaves
    no file with the name of the result.

    Raises:
        OSError: the file cannot be created.
    """
    if os.path.lexists(target):
        return
    with _named(target), TemporaryDirectory(prefix=".cdfi-", dir=target.parent) as folder:
        create(Path(folder) / target.name).close()


@contextmanager
def _named(target: Path) -> Iterator[None]:
    """Name ``target`` in errors of the block; ignore that a file or folder does not exist."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise OSError(f"{target} cannot be written: {error.strerror}") from error


def expected_frames(job: Job) -> int:
    """Return how many frames the result has."""
    index, last = job.index, int(job.index.times[-1])
    if job.options.fps is not None:
        return len(job.timeline.ticks(index.first, max(index.end, last + 1)))
    return job.options.multiplier * (len(index.times) - (not index.follows)) + (not index.follows)
