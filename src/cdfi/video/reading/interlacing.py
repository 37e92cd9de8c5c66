"""Find out whether a video is interlaced, by flags in all of the file and by its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import av
import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from cdfi.video.pixels.formats import layout, read_components, to_working
from cdfi.video.reading.container import open_video
from cdfi.video.reading.decoder import decoder_for
from cdfi.video.reading.index import Index
from cdfi.video.reading.packets import read_packets
from cdfi.video.reading.source import Source

SAMPLES = 12  # positions spread over the file
RUN = 8  # frames that are examined at each position
MOVES = 10  # 8-bit codes; a pixel that changes more from frame to frame is in motion
ENOUGH = 64  # moving pixels that a decision needs; with fewer, None is returned
HALF_WAY = 0.35  # of the motion between two frames, done by the second field: 0 or 0.5 expected

Field = NDArray[np.float32]


def survey_fields(source: Source, index: Index) -> Source:
    """Return ``source`` with its fields as found in frames from all parts of the file.

    Its time base becomes that of ``index``.

    Frames that are flagged interlaced are compared with their neighbours: if the second field shows
    the same instant as the first (progressive segmented frames), there is nothing to filter.
    """
    source = replace(source, time_base=index.time_base)
    runs = [run for run in _runs(source, index) if run]
    flagged = [run for run in runs if any(image.interlaced_frame for image in run)]
    if not flagged:
        return replace(source, interlaced=False) if runs else source
    mixed = any(not image.interlaced_frame for run in runs for image in run)
    progress = [part for run in flagged if (part := _second_field(run)) is not None]
    segmented = bool(progress) and max(progress) < HALF_WAY
    return replace(source, interlaced=not segmented, segmented=segmented, mixed=mixed)


def _runs(source: Source, index: Index) -> Iterator[list[VideoFrame]]:
    """Yield runs of consecutive frames, from positions spread over the file."""
    with open_video(source.path) as (container, stream):
        decoder = decoder_for(stream, threads=1)
        if not index.seekable:
            yield list(islice(_frames(container, stream, decoder, index), SAMPLES * RUN))
            return
        picks = np.unique(np.linspace(0, len(index.keys) - 1, SAMPLES).astype(int))
        for key in index.keys[picks]:
            try:
                container.seek(int(key), stream=stream)
            except av.error.FFmpegError:
                continue
            decoder.flush_buffers()
            frames = _frames(container, stream, decoder, index)
            run = list(islice(frames, 1))
            if run and run[0].interlaced_frame:
                run += islice(frames, RUN - 1)
            yield run


def _frames(
    container: InputContainer, stream: VideoStream, decoder: VideoCodecContext, index: Index
) -> Iterator[VideoFrame]:
    """Yield the frames that can be decoded from the current position on."""
    for packet in read_packets(container, [stream], index.correction):
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError:
            continue
    try:
        yield from decoder.decode(None)
    except av.error.FFmpegError:
        return


def _second_field(run: list[VideoFrame]) -> float | None:
    """Return how much of the motion between two frames the second field has done.

    The lower field, less the upper one interpolated to its lines, is projected onto the change of
    the upper field to the frame before and to the frame after: 0.5 for one of them if the fields
    are half a frame apart, near 0 if they show one instant. None without motion.
    """
    fields = [_fields(image) for image in run]
    along, total = [0.0, 0.0], [0.0, 0.0]
    count = 0
    for before, (upper, lower), after in zip(fields, fields[1:], fields[2:]):
        if not before[0].shape == upper.shape == after[0].shape:
            continue
        for side, other in enumerate((before[0], after[0])):
            change = other - upper
            moving = np.abs(change) > MOVES
            count += int(moving.sum())
            along[side] += float(((lower - upper) * change)[moving].sum())
            total[side] += float((change * change)[moving].sum())
    if count < ENOUGH:
        return None
    return max(part / whole for part, whole in zip(along, total) if whole)


def _fields(image: VideoFrame) -> tuple[Field, Field]:
    """Return the upper field on the lines of the lower one, and the lower field, in 8-bit codes."""
    plain = to_working(image)
    scale = np.float32(1 / (1 << (layout(plain.format.name).bits - 8)))
    luma = read_components(plain)[0].numpy().astype(np.float32) * scale
    upper, lower = luma[::2], luma[1::2]
    rows = min(len(lower), len(upper) - 1)
    between = (upper[:rows] + upper[1 : rows + 1]) * np.float32(0.5)
    return between, lower[:rows]
