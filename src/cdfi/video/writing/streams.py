"""The source's other streams - audio, subtitles, attachments, chapters - in the result."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream

from cdfi.video.options import Options

CONTAINER_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder"}


@dataclass
class Copied:
    """The streams of ``source`` that go into the result, by their index, and those that cannot."""

    source: InputContainer
    streams: dict[int, Stream]
    left_out: list[str]


def add_streams(
    source: InputContainer, target: OutputContainer, video: Stream, options: Options
) -> Copied:
    """Add to ``target`` a copy of every stream of ``source`` but ``video`` that it can hold."""
    copied = Copied(source, {}, [])
    for stream in source.streams:
        audible = stream.type == "audio" and options.sound != "copy"
        if stream.index == video.index or audible or stream.discard == Discard.all:
            continue  # libav discards QuickTime's chapter tracks: they are written anew
        if not _holds(target.format.name, stream):
            name = stream.name or (stream.codec_context.name if stream.codec_context else "unknown")
            copied.left_out.append(f"{stream.type} stream {stream.index} ({name})")
            continue
        made = target.add_stream_from_template(stream, opaque=True)
        made.metadata.update(plain_tags(stream.metadata))
        made.disposition = stream.disposition
        copied.streams[stream.index] = made
    return copied


def plain_tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags that describe the content, not the file it was in."""
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in CONTAINER_TAGS and key.upper() != "DURATION"
    }


def copied_packets(copied: Copied, slow: int, start: Fraction) -> Iterator[Packet[Any]]:
    """The packets of the copied streams, for their new streams, in the order of the source.

    Times are stretched ``slow`` times about ``start`` (seconds).
    """
    wanted = [copied.source.streams[index] for index in copied.streams]
    if not wanted:
        return
    last: dict[int, int] = {}
    for packet in _readable(copied, wanted):
        if not packet.size or _is_gap(packet):
            continue
        place, origin = packet.stream_index, round(start / packet.time_base)
        # A cover picture has no time at all.
        dts = packet.dts if packet.dts is not None else packet.pts or 0
        pts = packet.pts if packet.pts is not None else dts
        dts, pts = (origin + (time - origin) * slow for time in (dts, pts))
        # Muxers refuse decode times that do not ascend, as damaged sources have them.
        packet.dts = last[place] = max(dts, last.get(place, dts - 1) + 1)
        packet.pts = max(pts, packet.dts)
        packet.duration = (packet.duration or 0) * slow
        packet.stream = copied.streams[place]
        yield packet


def _readable(copied: Copied, wanted: list[Stream]) -> Iterator[Packet[Any]]:
    """The packets up to where the source becomes unreadable, which is noted."""
    try:
        yield from copied.source.demux(*wanted)
    except av.error.FFmpegError:
        copied.left_out.append("what follows the damage in the source's other streams")


def _is_gap(packet: Packet[Any]) -> bool:
    """Whether a packet says that no subtitle is shown: QuickTime's muxer writes those itself."""
    context = packet.stream.codec_context
    return context is not None and context.name == "mov_text" and bytes(packet) == bytes(2)


def add_chapters(
    source: InputContainer, target: OutputContainer, slow: int, start: Fraction
) -> None:
    """Give ``target`` the chapters of ``source``, stretched ``slow`` times about ``start``."""
    chapters = source.chapters()
    for chapter in chapters:
        origin = round(start / (chapter["time_base"] or 1))
        chapter["start"] = origin + (chapter["start"] - origin) * slow
        chapter["end"] = origin + (chapter["end"] - origin) * slow
    if chapters:
        target.set_chapters(chapters)


def _holds(format_name: str, stream: Stream) -> bool:
    """Whether a file of the format can hold ``stream``: libav is asked to begin one that does."""
    if stream.type == "attachment":
        return format_name == "matroska"
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True
