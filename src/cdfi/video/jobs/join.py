"""Join finished segments into one stream of packets with exact times, without encoding again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import av
from av.packet import Packet
from av.video.stream import VideoStream

from cdfi.common.files import media_url
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.writing.encoder import TICK


def joined(
    job: Job,
    records: Sequence[SegmentRecord],
    times: Sequence[int],
    end: int,
    by_decoding: bool,
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of all segments in the order of decoding, timed in ticks of the result.

    Args:
        job: that the segments belong to.
        records: of all segments.
        times: when the frames are shown.
        end: when the last frame ends.
        by_decoding: the container derives durations from decode times, as MP4 does; then the last
            packet's duration is what is missing to the stream's, not that of its frame.
    """
    depth, end = reordering(job, records), max(end, times[-1] + 1)
    decoded = decode_times(times, end, depth)
    last = len(times) - 1
    for count, (packet, index) in enumerate(_indexed(job, records)):
        following = times[index + 1] if index < last else end
        packet.time_base = job.timeline.time_base
        packet.dts, packet.pts = decoded[count], times[index]
        packet.duration = max(following - times[index], 1)
        if by_decoding and count == last:
            packet.duration = max(end - times[0] - (decoded[last] - decoded[0]), 1)
        yield packet


def frame_times(records: Sequence[SegmentRecord], least: int = 1) -> list[int]:
    """Return when the frames of all segments are shown.

    Args:
        records: of all segments.
        least: ticks between two frames; frames that are nearer are moved to be later.
    """
    times: list[int] = []
    for time in chain.from_iterable(record.times for record in records):
        times.append(max(time, times[-1] + least) if times else time)
    return times


def decode_times(times: Sequence[int], end: int, depth: int) -> list[int]:
    """Return when each packet is decoded; the times ascend and are never after the frames'.

    With frames reordered by at most ``depth`` positions, the n-th packet is decoded when frame
    n - depth is shown. The first ``depth`` are decoded earlier, at the distances of the first
    frames, or closer together if the stream's duration would otherwise be exceeded.

    Args:
        times: when the frames are shown, ascending.
        end: when the last frame ends.
        depth: 0 or more, below the number of frames.
    """
    opening = [time - times[0] for time in times[: depth + 1]]
    early, most = opening[-1], end - times[len(times) - 1 - depth] - 1
    if early > most >= depth:
        closer = [0]
        for index, time in enumerate(opening[1:], 1):
            latest = most - depth + index  # leaves a tick for each of those after it
            closer.append(max(closer[-1] + 1, min(time * most // early, latest)))
        opening = closer
    first = times[0] - opening[-1]
    return [*(first + time for time in opening[:-1]), *times[: len(times) - depth]]


def reordering(job: Job, records: Sequence[SegmentRecord]) -> int:
    """Return by how many positions frames are decoded before they are shown, at most."""
    depth = 0
    for number, record in enumerate(records):
        for position, (ordinal, _) in enumerate(_packets(job, number, record)):
            depth = max(depth, position - ordinal)
    return min(depth, sum(len(record.times) for record in records) - 1)


def _indexed(
    job: Job, records: Sequence[SegmentRecord]
) -> Iterator[tuple[Packet[VideoStream], int]]:
    """Yield each packet with the number of its frame in the result."""
    before = 0
    for number, record in enumerate(records):
        for ordinal, packet in _packets(job, number, record):
            yield packet, before + ordinal
        before += len(record.times)


def holds_its_frames(job: Job, number: int, record: SegmentRecord) -> bool:
    """Return whether a segment's file holds a packet for each of the record's ascending times."""
    times = record.times
    try:
        found = sorted(ordinal for ordinal, _ in _packets(job, number, record))
    except (OSError, av.error.FFmpegError):
        return False
    return found == list(range(len(times))) and all(a < b for a, b in pairwise(times))


def _packets(
    job: Job, number: int, record: SegmentRecord
) -> Iterator[tuple[int, Packet[VideoStream]]]:
    """Yield a segment's packets in order of decoding, with the number of the frame in each."""
    if not record.times:
        return
    with av.open(media_url(job.work.segment(number, record))) as container:
        for packet in container.demux(video=0):
            if packet.size and packet.pts is not None:
                yield round(packet.pts * packet.time_base * 1000 / TICK), packet
