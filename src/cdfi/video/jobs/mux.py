"""The final file: the joined video, the source's other streams, its tags and chapters."""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from cdfi.common.files import create, media_url, move, resolve_output
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.join import joined
from cdfi.video.jobs.workfolder import SegmentRecord
from cdfi.video.reading.container import open_media, video_stream
from cdfi.video.timing.time_map import TimeMap
from cdfi.video.writing.audio import add_stretched
from cdfi.video.writing.chapters import add_chapters
from cdfi.video.writing.codecs import container_row
from cdfi.video.writing.copy_packets import HIDE_EARLY, Copied, copied_packets
from cdfi.video.writing.streams import add_streams, plain_tags

MOVIE_TICKS = 1 << 20  # finer ticks than this overflow old players' 32-bit durations


def write_result(
    job: Job, records: Sequence[SegmentRecord], path: Path, notes: Counter[str]
) -> list[str]:
    """Write the result to ``path``, whole and on the disk; returns what the container left out.

    ``notes`` counts what could not be kept of slowed sound, by its reason.
    """
    row = container_row(job.work.target)
    form, ticks = row.format, _container_options(job, row.format)
    with (
        open_media(job.source.path) as source,
        create(path) as file,
        av.open(file, "w", format=form, container_options=ticks) as target,
    ):
        video = video_stream(source, job.source.path)
        target.metadata.update(plain_tags(source.metadata))
        made = _add_video(job, target, records, video)
        copied = add_streams(source, target, video, job.options)
        end = int(job.timeline.at(job.index.end))
        times = _times(job, copied)
        early = times.shift
        length = max(times.seconds(job.index.duration), end * job.timeline.time_base + early)
        add_chapters(source, target, times, length)
        flows: list[Iterator[Packet[Any]]] = [_video_packets(job, records, made, end)]
        flows.append(
            copied_packets(copied, job.index.correction, replace(times, shift=Fraction(0)))
        )
        flows += _stretched(job, source, target, copied, notes)
        for packet in heapq.merge(*flows, key=_decode_time):
            target.mux_one(_later(packet, early) if early else packet)
        target.close()
        copied.hidden.hide(file)
        file.flush()
        os.fsync(file.fileno())
    if early:
        copied.left_out.append(f"times below 0 (all streams are {float(early):g} s later)")
    return copied.left_out


def _stretched(
    job: Job,
    source: InputContainer,
    target: OutputContainer,
    copied: Copied,
    notes: Counter[str],
) -> list[Iterator[Packet[Any]]]:
    """Return the packets of each slowed stream of sound."""
    if job.options.sound != "stretch":
        return []
    encoder, sounds = container_row(job.work.target).sound, source.streams.audio
    if not encoder:
        copied.left_out += [f"audio stream {audio.index}" for audio in sounds]
        return []
    path, slow, start = job.source.path, job.options.slow, job.index.first * job.source.time_base
    return [
        add_stretched(path, audio, target, encoder, slow, start, notes).packets()
        for audio in sounds
    ]


def _times(job: Job, copied: Copied) -> TimeMap:
    """Return the times of the result, later than the source's if these cannot be kept."""
    start = job.index.first * job.source.time_base
    early = -start
    if copied.form not in HIDE_EARLY:  # then nothing may lie before the time 0
        starts = [job.index.starts.get(index, start) for index in copied.streams]
        early = max(-min(starts, default=start), early)
    return TimeMap(start, job.options.slow, max(early, Fraction(0)))


def write_video(job: Job, records: Sequence[SegmentRecord], path: Path, end: int) -> None:
    """Write the joined video alone to ``path``; it ends at the tick ``end``."""
    form = container_row(job.work.target).format
    with create(path) as file, av.open(file, "w", format=form) as target:
        made = _add_video(job, target, records, None)
        for packet in _video_packets(job, records, made, end):
            target.mux_one(packet)


def write_images(job: Job, records: Sequence[SegmentRecord]) -> None:
    """Write each picture of the result to a file of its own, as the target's pattern numbers them.

    They appear under their names when all of them are written.
    """
    packets = joined(job, records, int(job.timeline.at(job.index.end)))
    count = 0
    for packet in packets:
        with create(job.work.new(f"image{count}")) as file:
            file.write(bytes(packet))
        count += 1
    for number in range(count):
        target = job.work.target.with_name(job.work.target.name % (number + 1))
        move(job.work.path / f"image{number}", resolve_output(target, overwrite=True))


def _container_options(job: Job, form: str) -> dict[str, str]:
    """Ticks of the whole file as fine as the video's, so that its start is exact."""
    ticks = job.timeline.time_base.denominator
    return (
        {"movie_timescale": str(ticks)} if form in ("mp4", "mov") and ticks <= MOVIE_TICKS else {}
    )


def _add_video(
    job: Job, target: OutputContainer, records: Sequence[SegmentRecord], video: VideoStream | None
) -> VideoStream:
    """The result's video stream, as the segments are encoded and as the source's was tagged."""
    first = next(number for number, record in enumerate(records) if record.times)
    with av.open(media_url(job.work.segment(first))) as segment:
        template = segment.streams.video[0]
        made = target.add_stream_from_template(template, opaque=True)
        alpha = template.metadata.get("alpha_mode")
        template_is_hevc = template.codec_context.name == "hevc"
    made.time_base = job.timeline.time_base
    made.codec_context.framerate = job.encoding.rate
    if container_row(job.work.target).format in ("mp4", "mov") and template_is_hevc:
        made.codec_context.codec_tag = "hvc1"  # the only name of HEVC that Apple's players take
    if job.source.aspect is not None:
        made.codec_context.sample_aspect_ratio = job.source.aspect
    if job.source.matrix is not None:
        made.set_display_matrix(job.source.matrix)
    if video is not None:
        made.metadata.update(plain_tags(video.metadata))
        made.disposition = video.disposition
    if alpha is not None:
        made.metadata["alpha_mode"] = alpha
    return made


def _video_packets(
    job: Job, records: Sequence[SegmentRecord], made: VideoStream, end: int
) -> Iterator[Packet[Any]]:
    for packet in joined(job, records, end):
        packet.stream = made
        yield packet


def _later(packet: Packet[Any], seconds: Fraction) -> Packet[Any]:
    """``packet``, shown ``seconds`` later."""
    ticks = round(seconds / packet.time_base)
    assert packet.pts is not None and packet.dts is not None
    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
    return packet


def _decode_time(packet: Packet[Any]) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base
