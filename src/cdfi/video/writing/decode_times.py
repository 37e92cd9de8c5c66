"""Give copied packets decode times that muxers accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from av.packet import Packet


def with_decode_times(packets: Iterable[Packet[Any]]) -> Iterator[Packet[Any]]:
    """Yield packets of several streams, each with a decode time that ascends within its stream.

    Matroska stores no decode times; libav leaves out those of the first frames of a stream that
    reorders them. They are filled in backwards from the first that is known. Presentation times
    stay, unless a packet would have to be decoded after it is shown.
    """
    waiting: dict[int, list[Packet[Any]]] = {}
    last: dict[int, int] = {}
    for packet in packets:
        index = packet.stream_index
        held = waiting.setdefault(index, [])
        if packet.dts is None and packet.pts is not None and index not in last:
            held.append(packet)
            continue
        if held:
            _fill_before(held, packet.dts)
        for ready in (*held, packet):
            yield _ascending(ready, last)
        held.clear()
    for held in waiting.values():
        _fill_in_order(held)
        for ready in held:
            yield _ascending(ready, last)


def _ascending(packet: Packet[Any], last: dict[int, int]) -> Packet[Any]:
    """Return ``packet`` with both times; decode times of damaged sources do not ascend."""
    index = packet.stream_index
    # A cover picture has no time at all.
    dts = packet.dts if packet.dts is not None else packet.pts or 0
    pts = packet.pts if packet.pts is not None else dts
    packet.dts = last[index] = max(dts, last.get(index, dts - 1) + 1)
    packet.pts = max(pts, packet.dts)
    return packet


def _fill_before(held: list[Packet[Any]], known: int | None) -> None:
    """Give ``held`` decode times that lead up to ``known``, that of the packet after them."""
    if known is None:
        _fill_in_order(held)
        return
    step = max(min(packet.duration or 1 for packet in held), 1)
    for number, packet in enumerate(held):
        packet.dts = known - (len(held) - number) * step


def _fill_in_order(held: list[Packet[Any]]) -> None:
    """Give ``held`` their presentation times in order, early enough for each of them."""
    shown = [packet.pts for packet in held if packet.pts is not None]
    ordered = sorted(shown)
    early = max((time - own for time, own in zip(ordered, shown)), default=0)
    for packet, time in zip(held, ordered):
        packet.dts = time - early
