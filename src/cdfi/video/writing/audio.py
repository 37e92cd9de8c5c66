"""Slow down audio without changing its pitch, by libav's ``atempo`` filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import OutputContainer
from av.packet import Packet

from cdfi.video.reading.container import open_media
from cdfi.video.reading.packets import read_packets
from cdfi.video.timing.discontinuities import ClockCorrection
from cdfi.video.writing.cut import Cut
from cdfi.video.writing.tags import stream_tags

SLOWEST = Fraction(1, 2)  # of one filter; several are chained for less
BIT_RATE = 96_000  # per channel, per second
#: If times jump by more seconds than this, gaps become silence and overlapping samples are dropped.
JUMP = 0.02
#: Channel layouts to mix down to, if the encoder does not take the stream's own.
LAYOUTS = ("7.1", "5.1", "stereo", "mono")
SILENCED = "damaged packets of sound, silent in the result"
CUT_SHORT = "end of the sound unreadable"


@dataclass
class StretchedAudio:
    """An audio stream that is encoded again, slower.

    Attributes:
        path: of the source.
        index: of the stream in the source.
        target: the stream of the result.
        slow: how many times longer it becomes.
        start: the instant, in seconds, that stays where it is.
        notes: counts what could not be read, by its reason.
        correction: of the source's clock.
        cut: the part of the source that goes into the result.
    """

    path: Path
    index: int
    target: AudioStream
    slow: Fraction | int
    start: Fraction
    notes: Counter[str]
    correction: ClockCorrection = field(default_factory=ClockCorrection)
    cut: Cut = field(default_factory=Cut)

    def packets(self) -> Iterator[Packet[Any]]:
        """Yield the encoded packets."""
        count, offset = 0, self.start
        context = self.target.codec_context
        resampler = AudioResampler(
            context.format, context.layout, context.sample_rate, context.frame_size or None
        )
        for frame, first in self._slowed():
            offset = self.start + (first - self.start) * self.slow
            frame.pts = None
            for ready in resampler.resample(frame):
                yield from self._encoded(ready, count, offset)
                count += ready.samples
        for ready in resampler.resample(None):
            yield from self._encoded(ready, count, offset)
            count += ready.samples
        yield from self._owned(self.target.encode(None))

    def _encoded(self, frame: AudioFrame, count: int, offset: Fraction) -> Iterator[Packet[Any]]:
        rate = self.target.codec_context.sample_rate
        frame.pts, frame.time_base = round(offset * rate) + count, Fraction(1, rate)
        yield from self._owned(self.target.encode(frame))

    def _owned(self, packets: list[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            packet.stream = self.target
            yield packet

    def _slowed(self) -> Iterator[tuple[AudioFrame, Fraction]]:
        """Yield slowed frames, each with the source time (seconds) at which the stream starts."""
        graph: av.filter.Graph | None = None
        first = self.start
        for frame in _alike(self._decoded()):
            if graph is None:
                graph = _graph(frame, self.slow, self.cut)
                if frame.pts is not None and frame.time_base is not None:
                    first = max(frame.pts * frame.time_base, self.cut.start or first)
            if _is_after(frame, self.cut.end):
                break
            graph.push(frame)
            yield from ((slowed, first) for slowed in _ready(graph))
        if graph is not None:
            graph.push(None)
            yield from ((slowed, first) for slowed in _ready(graph))

    def _decoded(self) -> Iterator[AudioFrame]:
        """Yield every frame that can be decoded; damage is counted and skipped."""
        with open_media(self.path) as container:
            stream = container.streams[self.index]
            assert isinstance(stream, AudioStream)
            packets = read_packets(container, [stream], self.correction, self._failed)
            for packet in chain(packets, [None]):
                try:
                    yield from stream.codec_context.decode(packet)
                except av.error.EOFError:
                    return
                except av.error.FFmpegError:
                    self.notes[SILENCED] += 1

    def _failed(self, error: av.error.FFmpegError, final: bool) -> None:
        self.notes[CUT_SHORT] += final


def add_stretched(
    path: Path,
    source: AudioStream,
    target: OutputContainer,
    encoder: str,
    slow: Fraction | int,
    start: Fraction,
    notes: Counter[str],
    correction: ClockCorrection,
) -> StretchedAudio:
    """Add to ``target`` a stream for slowed audio.

    Args:
        path: of the source.
        source: the stream of the source.
        target: the result.
        encoder: libav's name of the audio encoder.
        slow: how many times longer the stream becomes.
        start: the instant, in seconds, that stays where it is.
        notes: counts what is lost, by its reason.
        correction: of the source's clock.

    Raises:
        ValueError: this FFmpeg has no such encoder, or it takes no such audio, or the source's
            audio cannot be decoded.
    """
    if source.codec_context is None:
        raise ValueError(f"{path}: its sound cannot be decoded by this libav: give --audio drop")
    settings = _settings(encoder, source.codec_context)
    stream = target.add_stream(encoder, rate=settings.sample_rate, bit_rate=settings.bit_rate)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout, stream.codec_context.format = settings.layout, settings.format
    stream.metadata.update(stream_tags(source.metadata, target.format.name))
    stream.disposition = source.disposition
    stream.codec_context.open()
    if settings.layout.nb_channels < source.codec_context.layout.nb_channels:
        before, after = source.codec_context.layout.name, settings.layout.name
        notes[f"stream of sound mixed from {before} to {after}: {encoder} takes no {before}"] += 1
    return StretchedAudio(path, source.index, stream, slow, start, notes, correction)


def _settings(encoder: str, source: AudioCodecContext) -> AudioCodecContext:
    """Return an encoder, opened with the rate and the channels that lose least of the source."""
    try:
        codec = Codec(encoder, "w")
    except ValueError as error:
        raise ValueError(
            f"this FFmpeg has no encoder {encoder} for the slowed sound: give --audio drop"
        ) from error
    rates = codec.audio_rates or [source.sample_rate]
    enough = [rate for rate in rates if rate >= source.sample_rate]
    forms = [form.name for form in codec.audio_formats or []] or ["fltp"]
    fewer = [name for name in LAYOUTS if AudioLayout(name).nb_channels <= source.layout.nb_channels]
    for layout in (source.layout.name, *fewer):
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = min(enough) if enough else max(rates)
        context.format = next((form for form in forms if form.startswith("flt")), forms[0])
        context.layout = layout
        context.bit_rate = BIT_RATE * context.layout.nb_channels
        try:
            context.open()
        except av.error.FFmpegError:
            continue
        return context
    raise ValueError(f"the encoder {encoder} takes no such sound: give --audio drop")


def _alike(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield ``frames`` in the format, layout and rate of the first one."""
    wanted: tuple[str, str, int] | None = None
    converters: dict[tuple[str, str, int], AudioResampler] = {}
    for frame in frames:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        wanted = wanted or kind
        if kind == wanted:
            yield frame
        else:
            if kind not in converters:
                converters[kind] = AudioResampler(*wanted)
            yield from converters[kind].resample(frame)


def _is_after(frame: AudioFrame, end: Fraction | None) -> bool:
    """Return whether ``frame`` begins at or after ``end``."""
    if end is None or frame.pts is None or frame.time_base is None:
        return False
    return frame.pts * frame.time_base >= end


def _graph(frame: AudioFrame, slow: Fraction | int, cut: Cut) -> av.filter.Graph:
    """Return a filter for continuous audio like ``frame``, cut, then ``slow`` times as long."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )
    nodes = [source, graph.add("aresample", f"async=1:min_hard_comp={JUMP}")]
    limits = {"start_pts": cut.start, "end_pts": cut.end}
    sides = [f"{k}={round(v * frame.sample_rate)}" for k, v in limits.items() if v is not None]
    if sides:
        nodes.append(graph.add("atrim", ":".join(sides)))
    rest = 1 / Fraction(slow)
    while rest < 1:
        step = max(rest, SLOWEST)
        nodes.append(graph.add("atempo", f"{float(step):.12g}"))
        rest /= step
    nodes.append(graph.add("abuffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _ready(graph: av.filter.Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame
