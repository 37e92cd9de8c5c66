"""Encode frames into a segment file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from io import UnsupportedOperation
from typing import BinaryIO

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.video.pixels.colour import Colour
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.pixels.formats import blank_frame
from cdfi.video.timing.frame import OutputFrame
from cdfi.video.writing.codecs import CodecRow, holds
from cdfi.video.writing.palette import with_palette

TICK = 40  # a segment's file shows its frames 40 ms apart; the true times are in its record
FILE_BASE = Fraction(1, 1000)


@dataclass(frozen=True)
class EncoderSettings:
    """Everything that determines the encoded stream; the same for all segments of a job.

    Attributes:
        row: the encoder.
        converter: turns frames into the encoder's pixel format.
        time_base: of the result's times, in seconds.
        rate: nominal frames per second of the result.
        options: of the encoder.
        aspect: width to height of a pixel, None if it is unknown.
    """

    row: CodecRow
    converter: FormatConverter
    time_base: Fraction
    rate: Fraction
    options: Mapping[str, str]
    aspect: Fraction | None = None


class SegmentWriter:
    """Encode frames into ``file``; ``close`` completes it.

    The file is Matroska (QuickTime or NUT for codecs that Matroska does not hold), whose ticks are
    too coarse for exact times: it numbers its frames, and the caller keeps ``times`` beside it.
    """

    def __init__(self, file: BinaryIO, settings: EncoderSettings) -> None:
        self.settings = settings
        self.times: list[int] = []
        self._number: dict[int, int] = {}
        self._decoded = 0
        self._file = file
        self._container = av.open(file, "w", format=_file_format(settings.row.encoder))
        try:
            self._stream = self._add_stream(settings)
        except BaseException:
            self.abort()
            raise

    def _add_stream(self, settings: EncoderSettings) -> VideoStream:
        stream = self._container.add_stream(
            settings.row.encoder,
            rate=settings.rate,
            options=dict(settings.options),
            time_base=settings.time_base,
        )
        assert isinstance(stream, VideoStream)
        stream.time_base = FILE_BASE
        context = stream.codec_context
        context.width, context.height = settings.converter.size
        context.pix_fmt = settings.converter.target
        if settings.aspect is not None:
            context.sample_aspect_ratio = settings.aspect
        _tag(context, settings.converter.tags)
        if settings.converter.has_alpha:
            stream.metadata["alpha_mode"] = "1"  # VP9 readers look for alpha only if it is set
        _open(context, settings)
        return stream

    def add(self, frame: OutputFrame) -> None:
        """Encode ``frame``, which is later than all frames before it."""
        image = frame.image
        if self.settings.converter.target == "pal8":
            image = with_palette(image)
        image.pts, image.time_base = frame.pts, self.settings.time_base
        image.pict_type = 0  # the encoder decides on key frames, not the source
        self._number[frame.pts] = len(self.times)
        self.times.append(frame.pts)
        self._mux(self._stream.encode(image))

    def close(self) -> None:
        """Complete the file and wait until it is on the disk."""
        self._mux(self._stream.encode(None))
        self._container.close()
        self._file.flush()
        with suppress(UnsupportedOperation):  # it is in memory
            os.fsync(self._file.fileno())
        self._file.close()

    def abort(self) -> None:
        """Close the file, which stays incomplete."""
        with suppress(OSError, ValueError):  # a full disk, or a header that was never written
            self._container.close()
        with suppress(OSError):
            self._file.close()

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            assert packet.pts is not None
            packet.time_base = FILE_BASE
            packet.pts = self._number.pop(packet.pts) * TICK
            packet.dts = (self._decoded - 64) * TICK
            packet.duration = TICK
            self._decoded += 1
            self._container.mux_one(packet)


def blank_input(settings: EncoderSettings) -> VideoFrame:
    """Return a frame for :meth:`SegmentWriter.add` whose samples are all 0."""
    pix_fmt = "rgba" if settings.converter.target == "pal8" else settings.converter.target
    return blank_frame(*settings.converter.size, pix_fmt)


def _open(context: VideoCodecContext, settings: EncoderSettings) -> None:
    """Open the encoder. Raise ValueError, with the names, if it refuses the settings."""
    name = settings.row.encoder
    try:
        context.open()
    except av.error.FFmpegError as error:
        chosen = ", ".join(f"{key}={value}" for key, value in settings.options.items())
        raise ValueError(
            f"encoder {name} refuses {settings.converter.target} of {context.width} x "
            f"{context.height} with {chosen or 'its defaults'}: {error.strerror}"
        ) from error
    if unknown := sorted(context.options.keys() & settings.options.keys()):
        raise ValueError(f"encoder {name} has no option {', '.join(unknown)}")


def _tag(context: VideoCodecContext, colour: Colour) -> None:
    """Write the colour tags into the stream."""
    context.colorspace, context.color_primaries = colour.matrix, colour.primaries
    context.color_trc, context.color_range = colour.transfer, colour.range


def _file_format(encoder: str) -> str:
    """Return the first container that holds what ``encoder`` writes; NUT holds everything."""
    return next((form for form in ("matroska", "mov") if holds(form, encoder)), "nut")
