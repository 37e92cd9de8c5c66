"""Sound at the beginning of a Matroska file that is decoded but not heard.

A source's edit list may begin in the middle of a packet of sound. Matroska can hide the first
samples of a block, by a negative ``DiscardPadding``; libav reads it but writes positive values
only, which hide the last samples. The sign is therefore changed in the finished file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO, ClassVar

from av.packet import Packet, PacketSideData, packet_sidedata_type_from_literal

from cdfi.video.writing.codec_delay import set_codec_delays

DISCARD_PADDING = b"\x75\xa2"
SEARCHED = 1 << 26  # bytes at the beginning of a file, in which its first blocks lie


@dataclass
class HiddenSound:
    """The hidden beginnings of a file's streams, each as the element that libav writes for it.

    Attributes:
        elements: what is changed in the finished file.
        active: whether the format is one of ``FORMATS``.
        tracks: the copied streams of sound, by their index in the source, in order.
        delays: how much the decoder of a track drops at its beginning, in seconds, by the index.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("matroska", "webm")
    elements: list[bytes] = field(default_factory=list)
    active: bool = False
    tracks: list[int] = field(default_factory=list)
    delays: dict[int, Fraction] = field(default_factory=dict)

    def mark(self, packet: Packet[Any], samples: int) -> None:
        """Hide the first ``samples`` of ``packet``, the first of its stream in the result.

        Packets of which nothing, or everything, is hidden are left as they are.
        """
        context = packet.stream.codec_context
        if not self.active or packet.stream.type != "audio" or context is None:
            return
        if not 0 < samples < _samples(packet, packet.duration or 0):
            return
        _skip(packet, samples)
        self.elements.append(_element(round(Fraction(samples * 10**9, context.sample_rate))))

    def mark_end(self, packet: Packet[Any], samples: int) -> None:
        """Hide the last ``samples`` of ``packet``; QuickTime files store that as its duration."""
        context, length = packet.stream.codec_context, packet.duration or 0
        if context is None:
            return
        ticks = round(Fraction(samples, context.sample_rate) / packet.time_base)
        if samples > 0 and ticks < length:
            _skip(packet, samples)
            packet.duration = length - ticks

    def hide(self, file: BinaryIO) -> None:
        """Change what was marked in the finished ``file``, open to read and write."""
        if self.delays:
            spans = {self.tracks.index(index): span for index, span in self.delays.items()}
            set_codec_delays(file, {track: round(span * 10**9) for track, span in spans.items()})
        if not self.elements:
            return
        file.seek(0)
        head = file.read(SEARCHED)
        for element in self.elements:
            position = head.find(element)
            if position >= 0:
                file.seek(position)
                file.write(_element(-_value(element)))


def _samples(packet: Packet[Any], ticks: int) -> int:
    return round(Fraction(ticks * packet.time_base * packet.stream.codec_context.sample_rate))


def _skip(packet: Packet[Any], samples: int) -> None:
    """Let libav write that ``samples`` at the end of ``packet`` are not heard."""
    kind = packet_sidedata_type_from_literal("skip_samples")
    data = PacketSideData(kind, 10)  # type: ignore[call-arg]
    data.update(struct.pack("<iiBB", 0, samples, 0, 0))
    packet.set_sidedata(data)


def _element(nanoseconds: int) -> bytes:
    """Return the element for a signed duration, in as few bytes as it and its negative need."""
    size = (abs(nanoseconds).bit_length() + 8) // 8
    return DISCARD_PADDING + bytes([0x80 | size]) + nanoseconds.to_bytes(size, "big", signed=True)


def _value(element: bytes) -> int:
    return int.from_bytes(element[3:], "big", signed=True)
