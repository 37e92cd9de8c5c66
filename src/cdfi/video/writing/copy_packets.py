"""The packets of the source's other streams, at their times in the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from cdfi.video.reading.packets import read_packets
from cdfi.video.timing.discontinuities import ClockCorrection
from cdfi.video.timing.time_map import TimeMap
from cdfi.video.writing.cut import HIDE_EARLY, LEAD_IN, Cut, cut_packets
from cdfi.video.writing.decode_times import with_decode_times
from cdfi.video.writing.hidden_sound import HiddenSound

UNREADABLE = "what follows the damage in the source's other streams"


@dataclass
class Copied:
    """The streams that go into the result.

    Attributes:
        source: the open source.
        streams: the stream of the result for the index of each that is copied.
        left_out: the streams, and parts of streams, that cannot be.
        form: the result's format, by libav's name.
        hidden: sound at the beginning that must not be heard.
    """

    source: InputContainer
    streams: dict[int, Stream]
    left_out: list[str]
    form: str = ""
    hidden: HiddenSound = field(default_factory=HiddenSound)

    def failed(self, error: av.error.FFmpegError, final: bool) -> None:
        """Take note of an error of the demuxer."""
        if final:
            self.left_out.append(UNREADABLE)


def copied_packets(
    copied: Copied, correction: ClockCorrection, times: TimeMap, cut: Cut
) -> Iterator[Packet[Any]]:
    """Yield the packets of the copied streams, for their new streams, in the order of the source.

    Packets that the source marks to be discarded are left out. Those that a sound decoder needs
    stay if the result can hide them, before its time 0.

    Args:
        copied: the streams.
        correction: of the source's clock.
        times: from times of the source to times of the result.
        cut: the part of the source that goes into the result.
    """
    wanted = [copied.source.streams[index] for index in copied.streams]
    packets = read_packets(copied.source, wanted, correction, copied.failed)
    first = dict.fromkeys(copied.streams, True)
    kept: Iterable[Packet[Any]] = with_decode_times(_kept(packets, copied, times))
    copied.hidden.active = copied.form in HiddenSound.FORMATS
    copied.hidden.tracks = [stream.index for stream in wanted if stream.type == "audio"]
    if cut:
        kept = cut_packets(kept, cut, copied.form, copied.hidden)
    for packet in kept:
        index, time_base = packet.stream_index, packet.time_base
        assert packet.dts is not None
        assert packet.pts is not None
        packet.dts = times.ticks(packet.dts, time_base)
        packet.pts = times.ticks(packet.pts, time_base)
        packet.duration = round((packet.duration or 0) * times.slow)
        if first[index] and cut.start is None and packet.stream.type == "audio":
            before = packet.pts - round(times.shift / time_base)
            rate = packet.stream.codec_context.sample_rate
            copied.hidden.mark(packet, round(-before * time_base * rate))
        first[index] = False
        packet.stream = copied.streams[index]
        yield packet


def _kept(packets: Iterable[Packet[Any]], copied: Copied, times: TimeMap) -> Iterator[Packet[Any]]:
    """Yield the packets that belong into the result."""
    early: dict[int, list[Packet[Any]]] = {index: [] for index in copied.streams}
    for packet in packets:
        if _is_gap(packet):
            continue
        index, kind = packet.stream_index, packet.stream.type
        if packet.is_discard:
            if index in early:
                early[index].append(packet)
            continue
        if early.get(index):
            if kind == "audio" and copied.form in HIDE_EARLY:
                yield from _lead_in(early[index], packet, times)
            if kind == "video" and not packet.is_keyframe:
                continue  # what it was predicted from is discarded
        early.pop(index, None)
        yield packet


def _lead_in(
    early: list[Packet[Any]], packet: Packet[Any], times: TimeMap
) -> Iterator[Packet[Any]]:
    """Yield the packets of ``early`` just before ``packet`` that end before the result begins."""
    for other in early:
        if other.pts is None or packet.pts is None:
            continue
        near = (packet.pts - other.pts) * packet.time_base <= LEAD_IN
        end = times.ticks(other.pts + (other.duration or 0), other.time_base)
        if near and end <= 0:
            yield other


def _is_gap(packet: Packet[Any]) -> bool:
    """Return whether a packet shows no subtitle: QuickTime's muxer writes such packets itself."""
    context = packet.stream.codec_context
    return context is not None and context.name == "mov_text" and bytes(packet) == bytes(2)
