"""Cut the source's other streams to the part that is interpolated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.packet import Packet
from av.stream import Stream

from cdfi.video.reading.container import is_cover, open_media
from cdfi.video.reading.packets import read_packets
from cdfi.video.timing.discontinuities import ClockCorrection
from cdfi.video.writing.hidden_sound import HiddenSound

LEAD_IN = Fraction(1, 10)  # seconds that a sound decoder reads before its first samples
_PCM = re.compile(r"pcm_[suf](\d+)(?:le|be)?")
#: Formats that hide what lies before the time 0, by an edit list.
HIDE_EARLY = ("mp4", "mov")


@dataclass(frozen=True)
class Cut:
    """A part of the source; None means that this side is not cut.

    Attributes:
        start: when it begins, in seconds of the source's corrected clock.
        end: when it ends.
    """

    start: Fraction | None = None
    end: Fraction | None = None

    def __bool__(self) -> bool:
        """Return whether anything is cut."""
        return self.start is not None or self.end is not None


def cut_packets(
    packets: Iterable[Packet[Any]], cut: Cut, form: str, hidden: HiddenSound
) -> Iterator[Packet[Any]]:
    """Yield the packets that belong to a part; subtitles and the last sound are shortened.

    Packets of sound that begin before the part stay if it begins within them; their first samples
    are hidden. Where all of a packet can be hidden (QuickTime; Matroska, if the codec has a delay),
    those that a decoder needs before them stay too.

    Args:
        packets: with both times, of several streams.
        cut: the part.
        form: the result's format, by libav's name.
        hidden: records the samples that must not be heard.
    """
    opened: set[int] = set()
    clock, delayed = _SampleClock(), _Delays(cut, hidden)
    for packet in packets:
        kind = "cover" if is_cover(packet.stream) else packet.stream.type
        begin, end = clock.extent(packet)
        if kind == "cover":
            packet.pts = packet.dts = round((cut.start or begin) / packet.time_base)
        elif kind == "subtitle":
            if not _shorten(packet, begin, end, cut):
                continue
        elif kind == "audio":
            early = LEAD_IN if form in HIDE_EARLY or delayed.has(packet) else Fraction(0)
            if _outside(begin, end, cut, early):
                continue
            if not delayed.move(packet, begin):
                _hide_start(packet, begin, end, cut, hidden)
            _hide_end(packet, begin, end, cut, hidden)
        elif kind == "video":
            inside = not _outside(begin, max(end, begin), cut) and begin >= (cut.start or begin)
            if not inside or (packet.stream_index not in opened and not packet.is_keyframe):
                continue  # what it was predicted from lies before the part
            opened.add(packet.stream_index)
        elif _outside(begin, begin, cut):
            continue
        yield packet


def first_sound(
    path: Path, indices: Iterable[int], correction: ClockCorrection, start: Fraction
) -> Fraction:
    """Return when the earliest packet of sound begins that reaches into a part, in seconds.

    Args:
        path: of the source.
        indices: of its streams that are copied.
        correction: of its clock.
        start: of the part, in seconds; also the result if no packet begins before it.
    """
    earliest, clock = start, _SampleClock()
    with open_media(path) as container:
        sound = [s for s in container.streams.audio if s.index in set(indices)]
        left = {stream.index for stream in sound}
        for packet in read_packets(container, sound, correction):
            if packet.pts is None:
                continue
            begin, end = clock.extent(packet)
            if begin < start < end:
                earliest = min(earliest, packet.pts * packet.time_base)
            if begin >= start:
                left.discard(packet.stream_index)
            if not left:
                break
    return earliest


def delay_of(stream: Stream) -> Fraction:
    """Return how much the decoder of ``stream`` drops at its beginning, in seconds."""
    context: Any = stream.codec_context
    if stream.type != "audio" or context is None or not context.sample_rate:
        return Fraction(0)
    return Fraction(int(context.delay or 0), context.sample_rate)


@dataclass
class _Delays:
    """Matroska tracks whose delay makes the decoder drop the sound before a part."""

    cut: Cut
    hidden: HiddenSound
    moves: dict[int, Fraction] = field(default_factory=dict)

    def has(self, packet: Packet[Any]) -> bool:
        """Return whether what lies before the part is dropped by the decoder of the track."""
        return self.hidden.active and self.cut.start is not None and delay_of(packet.stream) > 0

    def move(self, packet: Packet[Any], begin: Fraction) -> bool:
        """Move a packet, since libav writes it later by the codec's own delay."""
        if not self.has(packet) or self.cut.start is None:
            return False
        index = packet.stream_index
        if index not in self.moves:
            dropped = max(self.cut.start - begin, Fraction(0))
            self.moves[index] = dropped - delay_of(packet.stream)
            self.hidden.delays[index] = dropped
        packet.pts = packet.dts = math.ceil((begin + self.moves[index]) / packet.time_base)
        return True


def _hide_start(
    packet: Packet[Any], begin: Fraction, end: Fraction, cut: Cut, hidden: HiddenSound
) -> None:
    """Hide what a packet of sound holds of the time before a part."""
    if cut.start is not None and begin < cut.start < end:
        rate = packet.stream.codec_context.sample_rate
        hidden.mark(packet, round((cut.start - begin) * rate))


def _hide_end(
    packet: Packet[Any], begin: Fraction, end: Fraction, cut: Cut, hidden: HiddenSound
) -> None:
    """Hide what a packet of sound holds of the time after a part."""
    if cut.end is not None and begin < cut.end < end:
        rate = packet.stream.codec_context.sample_rate
        hidden.mark_end(packet, round((end - cut.end) * rate))


class _SampleClock:
    """Times packets of sound by their samples if a container rounds their times to ticks."""

    def __init__(self) -> None:
        self._ends: dict[int, Fraction] = {}

    def extent(self, packet: Packet[Any]) -> tuple[Fraction, Fraction]:
        """Return when a packet begins and ends, in seconds; in the order of each stream."""
        assert packet.pts is not None
        index, begin = packet.stream_index, packet.pts * packet.time_base
        expected = self._ends.get(index, -delay_of(packet.stream))
        length = _seconds(packet)
        if abs(expected - begin) <= packet.time_base and packet.stream.type == "audio":
            begin = expected
        self._ends[index] = begin + length
        return begin, begin + length


def _seconds(packet: Packet[Any]) -> Fraction:
    """Return how long a packet lasts: by its samples, if their number is known."""
    context, stored = packet.stream.codec_context, (packet.duration or 0) * packet.time_base
    if packet.stream.type == "audio" and context is not None and context.sample_rate:
        if plain := _PCM.fullmatch(context.name):
            sample = int(plain[1]) // 8 * context.layout.nb_channels
            return Fraction(packet.size // sample, context.sample_rate)
        exact = Fraction(context.frame_size, context.sample_rate)
        if exact and abs(exact - stored) <= packet.time_base:
            return exact
    return stored


def _outside(begin: Fraction, end: Fraction, cut: Cut, early: Fraction = Fraction(0)) -> bool:
    """Return whether nothing of an extent lies in a part, or up to ``early`` before it."""
    before = cut.start is not None and (begin < cut.start - early and end <= cut.start - early)
    return before or (cut.end is not None and begin >= cut.end)


def _shorten(packet: Packet[Any], begin: Fraction, end: Fraction, cut: Cut) -> bool:
    """Shorten a subtitle to what is shown in a part; return whether anything is."""
    first = begin if cut.start is None else max(begin, cut.start)
    last = end if cut.end is None else min(end, cut.end)
    if packet.duration and (first, last) != (begin, end):
        ticks = round(first / packet.time_base)
        packet.pts = packet.dts = ticks
        packet.duration = round(last / packet.time_base) - ticks
        return packet.duration > 0
    return not _outside(begin, end, cut) and begin == first
