"""Finished segments to one stream of packets with exact times, without encoding again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice

import av
from av.packet import Packet
from av.video.stream import VideoStream

from cdfi.common.files import media_url
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.workfolder import SegmentRecord
from cdfi.video.writing.encoder import TICK


def joined(job: Job, records: Sequence[SegmentRecord], end: int) -> Iterator[Packet[VideoStream]]:
    """The packets of all segments in order of decoding, timed in ticks of the result.

    Decode times are laid anew over the whole stream: with frames reordered by at most ``depth``
    places, the n-th packet is decoded when the (n - depth)-th frame is shown, and the first
    ``depth`` as much earlier. That ascends across the joins whatever the frame times are.
    """
    depth = reordering(job, records)
    times = chain.from_iterable(record.times for record in records)
    opening = list(islice(times, depth + 1))
    early = opening[-1] - opening[0]
    shown = chain((time - early for time in opening[:depth]), opening, times)
    for (packet, pts, length), dts in zip(_timed(job, records, end), shown):
        packet.time_base = job.timeline.time_base
        packet.pts, packet.dts, packet.duration = pts, dts, length
        yield packet


def reordering(job: Job, records: Sequence[SegmentRecord]) -> int:
    """By how many places frames are decoded ahead of being shown, at most."""
    depth = 0
    for number, record in enumerate(records):
        for place, (ordinal, _) in enumerate(_packets(job, number) if record.times else ()):
            depth = max(depth, place - ordinal)
    return min(depth, sum(len(record.times) for record in records) - 1)


def _timed(
    job: Job, records: Sequence[SegmentRecord], end: int
) -> Iterator[tuple[Packet[VideoStream], int, int]]:
    """Each packet with the time and the length of its frame."""
    following = deque(record.times[0] for record in records if record.times)
    for number, record in enumerate(records):
        if not record.times:
            continue
        following.popleft()
        limits = [*record.times, following[0] if following else end]
        for ordinal, packet in _packets(job, number):
            yield packet, limits[ordinal], max(limits[ordinal + 1] - limits[ordinal], 1)


def _packets(job: Job, number: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
    """A segment's packets in order of decoding, with the number of the frame in each."""
    with av.open(media_url(job.work.segment(number))) as container:
        for packet in container.demux(video=0):
            if packet.size and packet.pts is not None:
                yield round(packet.pts * packet.time_base * 1000 / TICK), packet
