"""Change how much sound the decoder of a finished Matroska file drops at the beginning.

libav writes the ``CodecDelay`` of the source. A part of a video begins in the middle of a stream:
the decoder must drop all that it reads before the part, which is more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

SEGMENT, TRACKS, ENTRY = 0x18538067, 0x1654AE6B, 0xAE
TRACK_TYPE, CODEC_DELAY, SEEK_PRE_ROLL, CODEC_PRIVATE = 0x83, 0x56AA, 0x56BB, 0x63A2
AUDIO, VOID = 2, 0xEC
SEARCHED = 1 << 20  # bytes at the beginning of a file, in which its tracks lie
OPUS_HEAD, OPUS_RATE = b"OpusHead", 48_000


class Element(NamedTuple):
    """An element of a file: its number, and where it, its content and its end are."""

    number: int
    start: int
    content: int
    end: int


def set_codec_delays(file: BinaryIO, delays: Mapping[int, int]) -> None:
    """Change the delays of sound tracks.

    Args:
        file: a finished Matroska or WebM file, open to read and write.
        delays: nanoseconds by the number of the track among those of sound.
    """
    file.seek(0)
    head = bytearray(file.read(SEARCHED))
    sound = -1
    for entry in _tracks(head):
        fields = {one.number: one for one in _elements(head, entry.content, entry.end)}
        if _value(head, fields.get(TRACK_TYPE)) != AUDIO:
            continue
        sound += 1
        if sound in delays and CODEC_DELAY in fields:
            _set_delay(head, fields, delays[sound])
    file.seek(0)
    file.write(head)


def _set_delay(head: bytearray, fields: Mapping[int, Element], delay: int) -> None:
    """Write a delay into ``head``, in the space of the old one and of what follows it."""
    old = fields[CODEC_DELAY]
    end = old.end
    new = _element(CODEC_DELAY, delay.to_bytes(max((delay.bit_length() + 7) // 8, 1), "big"))
    following = fields.get(SEEK_PRE_ROLL)
    if len(new) > end - old.start and following is not None and following.start == end:
        end = following.end
    room = end - old.start - len(new)
    if room == 1 or room < 0:  # too little for an element that fills the rest
        size = end - old.start - 3
        new = _element(CODEC_DELAY, delay.to_bytes(size, "big")) if size > 0 else new
        room = 0
    if room:
        new += _element(VOID, bytes(room - 2))
    head[old.start : end] = new
    private = fields.get(CODEC_PRIVATE)
    if private and head[private.content : private.content + 8] == OPUS_HEAD:
        skip = min(round(delay * OPUS_RATE / 10**9), 0xFFFF)
        head[private.content + 10 : private.content + 12] = skip.to_bytes(2, "little")


def _element(number: int, content: bytes) -> bytes:
    size = bytes([0x80 | len(content)])
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + size + content


def _tracks(head: bytearray) -> Iterator[Element]:
    """Yield the entries of all tracks."""
    for top in _elements(head, 0, len(head)):
        if top.number == SEGMENT:
            for part in _elements(head, top.content, min(top.end, len(head))):
                if part.number == TRACKS:
                    entries = _elements(head, part.content, part.end)
                    yield from (one for one in entries if one.number == ENTRY)


def _elements(head: bytearray, start: int, end: int) -> Iterator[Element]:
    """Yield the elements between two positions."""
    while start < end:
        try:
            length = 9 - head[start].bit_length()
            number = int.from_bytes(head[start : start + length], "big")
            wide = 9 - head[start + length].bit_length()
        except IndexError:
            return
        content = start + length + wide
        size = int.from_bytes(head[start + length : content], "big") & ((1 << 7 * wide) - 1)
        yield Element(number, start, content, content + size)
        start = content + size


def _value(head: bytearray, element: Element | None) -> int:
    return int.from_bytes(head[element.content : element.end], "big") if element else 0
