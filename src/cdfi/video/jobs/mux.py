"""Write the result: the joined video, the source's other streams, its tags and chapters."""

from __future__ import annotations

import heapq
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from cdfi.common.files import create, media_url, move, resolve_output
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.join import frame_times, joined
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.used_options import options_tag
from cdfi.video.reading.container import open_media, video_stream
from cdfi.video.timing.time_map import TimeMap
from cdfi.video.writing.audio import add_stretched
from cdfi.video.writing.chapters import add_chapters
from cdfi.video.writing.check import Contents, contents_of
from cdfi.video.writing.codecs import container_row
from cdfi.video.writing.copy_packets import Copied, copied_packets
from cdfi.video.writing.cut import HIDE_EARLY, delay_of, first_sound
from cdfi.video.writing.gif import loop_option
from cdfi.video.writing.hidden_sound import HiddenSound
from cdfi.video.writing.streams import add_streams
from cdfi.video.writing.tags import QUICKTIME, needs_named_values, plain_tags, stream_tags
from cdfi.video.writing.timecode import TAG, later_timecode

TRIAL = 10  # seconds of the source that a trial of the header reads
MOVIE_TICKS = 1 << 20  # finer ticks than this overflow old players' 32-bit durations


def write_result(
    job: Job,
    records: Sequence[SegmentRecord],
    path: Path,
    warnings: Counter[str],
    most: int | None = None,
) -> Contents:
    """Write the result to the new file ``path``; return when it is on the disk.

    Args:
        job: whose segments are joined.
        records: of all segments.
        path: of a file that does not exist yet.
        warnings: counts what could not be read of the other streams, by its reason.
        most: packets to write at most: a trial of the header and the first packets.

    Returns:
        What the file should hold.
    """
    form, options = container_row(job.work.target).format, _container_options(job)
    with (
        open_media(job.source.path) as source,
        create(path) as file,
        av.open(file, "w", format=form, container_options=options) as target,
    ):
        copied, contents = _fill(job, records, source, target, warnings, most)
        target.close()
        copied.hidden.hide(file)
        file.flush()
        os.fsync(file.fileno())
    warnings.update(copied.left_out)
    return contents


def _fill(
    job: Job,
    records: Sequence[SegmentRecord],
    source: InputContainer,
    target: OutputContainer,
    warnings: Counter[str],
    most: int | None,
) -> tuple[Copied, Contents]:
    """Write header and packets into ``target``; see :func:`write_result`."""
    target.metadata.update(plain_tags(source.metadata))
    target.metadata.update(options_tag(job, target.metadata))
    video_out = _add_video(job, target, records, video_stream(source, job.source.path))
    for tags in (target.metadata, video_out.metadata):
        if TAG in tags:
            tags[TAG] = later_timecode(tags[TAG], job.frames_before, job.source.rate)
    copied = add_streams(source, job.source.path, target, job.streams)
    times, end = _time_map(job, copied), int(job.timeline.at(job.index.end))
    later = times.shift
    length = end * job.timeline.time_base + later
    if job.cut.end is None:
        length = max(times.seconds(job.index.duration), length)
    add_chapters(source, target, times, length)
    stretched = _stretched(job, target, times.start, warnings)
    target.start_encoding()
    shown = _distinct_times(job, records, video_out.time_base or Fraction(0), warnings)
    packet_sources = [_video_packets(job, records, video_out, shown, end)]
    unmoved = replace(times, shift=Fraction(0))
    packet_sources.append(copied_packets(copied, job.index.correction, unmoved, job.cut))
    packet_sources += stretched
    first = shown[0] * job.timeline.time_base + (later if job.cut.start is not None else 0)
    contents = contents_of(target, video_out, job.source.aspect, first)
    for packet in _opening(heapq.merge(*packet_sources, key=_decode_time), most):
        target.mux_one(_moved(packet, later) if later else packet)
    return copied, contents


def _opening(packets: Iterator[Packet[Any]], most: int | None) -> Iterator[Packet[Any]]:
    """Yield ``packets``; with ``most``, only that many, and only those of ``TRIAL`` seconds."""
    start: Fraction | None = None
    for packet in islice(packets, most):
        start = _decode_time(packet) if start is None else start
        if most is not None and _decode_time(packet) - start > TRIAL:
            return
        yield packet


def _distinct_times(
    job: Job, records: Sequence[SegmentRecord], tick: Fraction, warnings: Counter[str]
) -> list[int]:
    """Return the times of the frames, moved so that no two share a tick of the container."""
    exact = frame_times(records)
    times = frame_times(records, max(math.ceil(tick / job.timeline.time_base), 1))
    moved = sum(before != after for before, after in zip(exact, times))
    if moved:
        warnings[f"frames moved: {job.work.target.suffix} counts time in steps of {tick} s"] += (
            moved
        )
    return times


def _time_map(job: Job, copied: Copied) -> TimeMap:
    """Return the map of times; it has a shift if the container cannot keep the source's times."""
    start = job.index.first * job.source.time_base
    if job.cut.start is not None:
        return TimeMap(start, job.options.slow, _early_sound(job, copied, start) - start)
    early = -start
    if copied.form not in HIDE_EARLY:  # then nothing may lie before the time 0
        starts = [job.index.starts.get(index, start) for index in copied.streams]
        early = max(-min(starts, default=start), early)
    return TimeMap(start, job.options.slow, max(early, Fraction(0)))


def _early_sound(job: Job, copied: Copied, start: Fraction) -> Fraction:
    """Return how long before ``start`` the first packet of sound begins, if it cannot be hidden."""
    if copied.form in HIDE_EARLY:
        return Fraction(0)
    matroska, streams = copied.form in HiddenSound.FORMATS, copied.source.streams
    shown = [n for n in copied.streams if not (matroska and delay_of(streams[n]))]
    return start - first_sound(job.source.path, shown, job.index.correction, start)


def write_video(job: Job, records: Sequence[SegmentRecord], path: Path, end: int) -> None:
    """Write the joined video alone to the new file ``path``; it ends at the tick ``end``."""
    form = container_row(job.work.target).format
    with create(path) as file, av.open(file, "w", format=form) as target:
        video_out = _add_video(job, target, records, None)
        for packet in _video_packets(job, records, video_out, frame_times(records), end):
            target.mux_one(_moved(packet, -(job.cut.start or Fraction(0))))


def write_images(job: Job, records: Sequence[SegmentRecord]) -> Path:
    """Write each frame of the result to a file, numbered as the target's pattern says.

    The files appear under their names when all of them are written.

    Returns:
        The path of the last one.
    """
    times, end = frame_times(records), int(job.timeline.at(job.index.end))
    packets = joined(job, records, times, end, by_decoding=False)
    count, target = 0, job.work.target
    for packet in packets:
        with create(job.work.new(f"image{count}")) as file:
            file.write(bytes(packet))
        count += 1
    for number in range(count):
        target = job.work.target.with_name(job.work.target.name % (number + 1))
        target = resolve_output(target, overwrite=True)
        move(job.work.path / f"image{number}", target)
    return target


def _container_options(job: Job) -> dict[str, str]:
    """Return libav's options for the container."""
    form, ticks = container_row(job.work.target).format, job.timeline.time_base.denominator
    options = {}
    if form in QUICKTIME:
        if ticks <= MOVIE_TICKS:  # as fine as the video's, so that its start is exact
            options["movie_timescale"] = str(ticks)
        with open_media(job.source.path) as source:
            if needs_named_values(source.metadata):
                options["movflags"] = "use_metadata_tags"
    if form == "gif":
        options["loop"] = "0" if job.options.loop else loop_option(job.source.path)
    return options


def _add_video(
    job: Job,
    target: OutputContainer,
    records: Sequence[SegmentRecord],
    video: VideoStream | None,
) -> VideoStream:
    """Add the result's video stream, as the segments are encoded and the source was tagged."""
    first = next(number for number, record in enumerate(records) if record.times)
    with av.open(media_url(job.work.segment(first, records[first]))) as segment:
        template = segment.streams.video[0]
        video_out = target.add_stream_from_template(template, opaque=True)
        codec, tag = template.codec_context.name, template.codec_context.codec_tag
    video_out.time_base = job.timeline.time_base
    video_out.codec_context.framerate = job.encoding.rate
    if target.format.name in QUICKTIME and codec == "hevc":
        # The only name of HEVC that Apple's players accept.
        video_out.codec_context.codec_tag = "hvc1"
    if target.format.name == "mov" and codec == "prores":
        video_out.codec_context.codec_tag = tag  # it names the profile
    if job.source.aspect is not None:
        video_out.codec_context.sample_aspect_ratio = job.source.aspect
    if job.source.matrix is not None:
        video_out.set_display_matrix(job.source.matrix)
    if video is not None:
        video_out.metadata.update(stream_tags(video.metadata, target.format.name))
        video_out.disposition = video.disposition
    if job.encoding.converter.has_alpha:
        video_out.metadata["alpha_mode"] = "1"  # VP9 readers look for alpha only if it is set
    return video_out


def _stretched(
    job: Job, target: OutputContainer, start: Fraction, warnings: Counter[str]
) -> list[Iterator[Packet[Any]]]:
    """Return the packets of the audio streams that are encoded again, slower."""
    encoder = container_row(job.work.target).sound
    packet_sources = []
    with open_media(job.source.path) as source:
        for index in job.streams.stretched:
            audio: Any = source.streams[index]
            path, slow, clock = job.source.path, job.options.slow, job.index.correction
            stretched = add_stretched(path, audio, target, encoder, slow, start, warnings, clock)
            packet_sources.append(replace(stretched, cut=job.cut).packets())
    return packet_sources


def _video_packets(
    job: Job,
    records: Sequence[SegmentRecord],
    video_out: VideoStream,
    times: Sequence[int],
    end: int,
) -> Iterator[Packet[Any]]:
    by_decoding = container_row(job.work.target).format in QUICKTIME
    for packet in joined(job, records, times, end, by_decoding):
        packet.stream = video_out
        yield packet


def _moved(packet: Packet[Any], seconds: Fraction) -> Packet[Any]:
    """Return ``packet``, moved to be shown ``seconds`` later."""
    ticks = round(seconds / packet.time_base)
    assert packet.pts is not None
    assert packet.dts is not None
    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
    return packet


def _decode_time(packet: Packet[Any]) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base
