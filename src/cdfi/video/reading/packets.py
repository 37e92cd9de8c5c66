"""Packets of a file with the times that they should have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from cdfi.video.timing.discontinuities import ClockCorrection

RETRIES = 16  # reads after a failed one, until a file is given up as unreadable from there on

#: Called with an error of the demuxer, and whether the rest of the file is given up.
OnError = Callable[[av.error.FFmpegError, bool], None]


def read_packets(
    container: InputContainer,
    streams: Sequence[Stream],
    correction: ClockCorrection,
    on_error: OnError | None = None,
) -> Iterator[Packet[Any]]:
    """Yield the packets of ``streams`` that have content, in file order, with corrected times.

    Packets marked to be discarded are among them: decoders need them. Damage is passed over as far
    as libav can read on.

    Args:
        container: the open file, at its beginning if ``correction`` has steps.
        streams: the streams to read; none yields nothing.
        correction: how to correct the times.
        on_error: called with each error.
    """
    if not streams:
        return
    steps = {
        stream.index: correction.seconds(stream.index)
        for stream in streams
        if stream.index in correction.steps
    }
    for packet in _readable(container, streams, on_error):
        if not packet.size:
            continue
        if packet.stream_index in steps:
            _move(packet, next(steps[packet.stream_index]))
        yield packet


def _readable(
    container: InputContainer, streams: Sequence[Stream], on_error: OnError | None
) -> Iterator[Packet[Any]]:
    failed = 0
    while True:
        try:
            for packet in container.demux(*streams):
                failed = 0
                yield packet
            return
        except av.error.FFmpegError as error:
            failed += 1
            if on_error is not None:
                on_error(error, failed > RETRIES)
            if failed > RETRIES:
                return


def _move(packet: Packet[Any], seconds: Fraction) -> None:
    ticks = round(seconds / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
