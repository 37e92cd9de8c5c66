"""One segment of the result, encoded to a whole file of its own."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from cdfi.common.files import create
from cdfi.video.pixels.colour import Colour
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.reading.source import Source
from cdfi.video.timing.frame import OutputFrame
from cdfi.video.writing.codecs import CodecRow, holds

TICK = 40  # a segment's file shows its frames 40 ms apart; the true times are in its record
LOCATION = "chroma_sample_location"
FILE_BASE = Fraction(1, 1000)
QUIET = {"libx265": ("x265-params", "log-level=none")}


@dataclass(frozen=True)
class EncoderSettings:
    """Everything that fixes the encoded stream; the same for all segments of a job."""

    row: CodecRow
    converter: FormatConverter
    time_base: Fraction
    rate: Fraction
    options: Mapping[str, str]


def encoder_options(row: CodecRow, source: Source, asked: Mapping[str, str]) -> dict[str, str]:
    """The row's defaults, the source's chroma place and HDR10 figures, then what was asked for."""
    options = dict(row.options)
    if source.colour.location != "unspecified":
        options[LOCATION] = source.colour.location
    key, figures = _hdr_figures(row.encoder, source)
    if row.encoder in QUIET:
        key, quiet = QUIET[row.encoder]
        figures = [quiet, *figures]
    own = {name: value for name, value in asked.items() if name != key}
    if key in asked:
        figures.append(asked[key])
    if figures:
        options[key] = ":".join(figures)
    return options | own


def _hdr_figures(encoder: str, source: Source) -> tuple[str, list[str]]:
    """The option that carries mastering display and light level, and its parts."""
    key = {"libx264": "x264-params", "libx265": "x265-params", "libsvtav1": "svtav1-params"}.get(
        encoder, ""
    )
    if not key:
        return "", []
    figures = []
    if source.mastering:
        figures.append(_mastering(encoder, source.mastering))
    if source.light:
        content, average = struct.unpack("=II", source.light[:8])
        name = {"libx264": "cll", "libx265": "max-cll"}.get(encoder, "content-light")
        figures.append(f"{name}={content},{average}")
    return key, figures


def _mastering(encoder: str, data: bytes) -> str:
    """A mastering display in the words of the encoder.

    ``data`` is libav's AVMasteringDisplayMetadata: red, green, blue and white (x, y), then the
    least and greatest luminance, as pairs of integers.
    """
    pairs = struct.unpack("=20i", data[:80])
    values = [Fraction(num, den or 1) for num, den in zip(pairs[::2], pairs[1::2])]
    whole = encoder != "libsvtav1"  # the others count in steps of 0.00002 and 0.0001
    chroma = [str(round(value * 50000)) if whole else f"{float(value):.5f}" for value in values[:8]]
    light = [str(round(value * 10000)) if whole else f"{float(value):.4f}" for value in values[8:]]
    red, green, blue, white = (f"({x},{y})" for x, y in zip(chroma[::2], chroma[1::2]))
    name = "master-display" if encoder == "libx265" else "mastering-display"
    return f"{name}=G{green}B{blue}R{red}WP{white}L({light[1]},{light[0]})"


class SegmentWriter:
    """Encodes pictures into ``path``; ``close`` finishes the file and returns the times.

    The file is Matroska (QuickTime or NUT for codecs that it does not take), whose ticks are too
    coarse for exact times: it numbers its frames, and the caller keeps ``times`` beside it.
    """

    def __init__(self, path: Path, settings: EncoderSettings, source: Source) -> None:
        self.path, self.settings = path, settings
        self.times: list[int] = []
        self._number: dict[int, int] = {}
        self._decoded = 0
        self._file = create(path)
        form = _file_format(settings.row.encoder)
        self._container = av.open(self._file, "w", format=form)
        try:
            self._stream = self._add_stream(settings, source)
        except BaseException:
            self.abort()
            raise

    def _add_stream(self, settings: EncoderSettings, source: Source) -> VideoStream:
        stream = self._container.add_stream(
            settings.row.encoder,
            rate=settings.rate,
            options=dict(settings.options),
            time_base=settings.time_base,
        )
        assert isinstance(stream, VideoStream)
        stream.time_base = FILE_BASE
        context = stream.codec_context
        context.width, context.height = source.width, source.height
        context.pix_fmt = settings.converter.target
        if source.aspect is not None:
            context.sample_aspect_ratio = source.aspect
        _tag(context, settings.converter.tags)
        if settings.converter.has_alpha:
            stream.metadata["alpha_mode"] = "1"  # without it no reader of VP9 looks for alpha
        _open(context, settings)
        return stream

    def add(self, picture: OutputFrame) -> None:
        """Encode ``picture``, whose time is later than any before it."""
        image = self.settings.converter.convert(picture.image)
        image.pts, image.time_base = picture.pts, self.settings.time_base
        image.pict_type = 0  # the source's own choice of key frames is not ours
        self._number[picture.pts] = len(self.times)
        self.times.append(picture.pts)
        self._mux(self._stream.encode(image))

    def close(self) -> None:
        """Finish the file; it is then on the disk, whole."""
        self._mux(self._stream.encode(None))
        self._container.close()
        self._file.flush()
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


def _open(context: VideoCodecContext, settings: EncoderSettings) -> None:
    """Open the encoder. Raises ValueError for what it does not take, by name."""
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
    """The first container that takes what ``encoder`` makes: the last takes all there is."""
    return next((form for form in ("matroska", "mov") if holds(form, encoder)), "nut")
