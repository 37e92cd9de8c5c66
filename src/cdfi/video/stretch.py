"""Audio made longer without changing its pitch, through libav's atempo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import OutputContainer
from av.packet import Packet

from .open import open_media

SLOWEST = Fraction(1, 2)  # of one atempo; several follow one another for more
BIT_RATE = 192_000


@dataclass
class StretchedAudio:
    """One audio stream of ``path``, to be written to ``made`` ``slow`` times longer."""

    path: Path
    index: int
    made: AudioStream
    slow: int
    start: Fraction

    def packets(self) -> Iterator[Packet[Any]]:
        """The encoded packets; the time ``start`` (seconds) stays where it is."""
        count = 0
        context = self.made.codec_context
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
        yield from self._owned(self.made.encode(None))

    def _encoded(self, frame: AudioFrame, count: int, offset: Fraction) -> Iterator[Packet[Any]]:
        rate = self.made.codec_context.sample_rate
        frame.pts, frame.time_base = round(offset * rate) + count, Fraction(1, rate)
        yield from self._owned(self.made.encode(frame))

    def _owned(self, packets: list[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            packet.stream = self.made
            yield packet

    def _slowed(self) -> Iterator[tuple[AudioFrame, Fraction]]:
        """Slowed frames, each with the source time (seconds) at which the stream starts."""
        with open_media(self.path) as container:
            stream = container.streams[self.index]
            assert isinstance(stream, AudioStream)
            graph: av.filter.Graph | None = None
            first = self.start
            for frame in container.decode(stream):
                if graph is None:
                    graph = _graph(stream, self.slow)
                    if frame.pts is not None and frame.time_base is not None:
                        first = frame.pts * frame.time_base
                graph.push(frame)
                yield from ((slowed, first) for slowed in _ready(graph))
            if graph is not None:
                graph.push(None)
                yield from ((slowed, first) for slowed in _ready(graph))


def add_stretched(
    path: Path, source: AudioStream, target: OutputContainer, slow: int, start: Fraction
) -> StretchedAudio:
    """Add to ``target`` a stream for ``source`` slowed ``slow`` times about ``start`` seconds."""
    name = target.default_audio_codec
    encoder = {"opus": "libopus", "vorbis": "libvorbis", "mp3": "libmp3lame"}.get(name, name)
    codec = Codec(encoder, "w")
    rate = 48000 if encoder == "libopus" else source.codec_context.sample_rate
    made = target.add_stream(codec.name, rate=rate, bit_rate=BIT_RATE)
    assert isinstance(made, AudioStream)
    made.codec_context.layout = source.codec_context.layout.name
    made.metadata.update(source.metadata)
    made.disposition = source.disposition
    made.codec_context.open()
    return StretchedAudio(path, source.index, made, slow, start)


def _graph(stream: AudioStream, slow: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    nodes = [graph.add_abuffer(template=stream)]
    rest = Fraction(1, slow)
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
