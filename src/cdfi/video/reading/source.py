"""What a video file is: everything about its video stream that the result must keep."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.logging
from av.container import InputContainer
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.video.pixels.colour import FULL, UNSPECIFIED, Colour
from cdfi.video.pixels.formats import FULL_RANGE, working_format
from cdfi.video.reading.container import open_video
from cdfi.video.reading.decoder import decoder_for

MAX_PIXELS = 1 << 28
INTERLACED = (2, 3, 4, 5)  # libav's AV_FIELD_TT, BB, TB, BT


@dataclass(frozen=True)
class Source:
    """A video file's picture format; sizes in pixels, ``rate`` in frames per second.

    ``pix_fmt`` is the format frames are worked in (the decoded one, or the same samples in
    another order); ``matrix`` the nine numbers of a display matrix; ``mastering`` and ``light``
    the HDR10 side data as libav's structures.
    """

    path: Path
    width: int
    height: int
    pix_fmt: str
    colour: Colour
    time_base: Fraction
    rate: Fraction
    aspect: Fraction | None = None
    matrix: tuple[int, ...] | None = None
    mastering: bytes | None = None
    light: bytes | None = None
    interlaced: bool = False
    segmented: bool = False
    mixed: bool = False
    loop: int | None = None


def read_source(path: Path) -> Source:
    """Open ``path`` and decode one frame to learn its format.

    Raises OSError or ValueError when it is missing, unreadable, has no video, or a format that
    frames cannot be made in.
    """
    with open_video(path) as (container, stream):
        context = stream.codec_context
        if context.width * context.height > MAX_PIXELS:
            raise ValueError(
                f"{path} declares {context.width} x {context.height} pixels, more than "
                f"{MAX_PIXELS}: the file is damaged, or must be scaled down first"
            )
        frame = _first_frame(container, stream, path)
        found = _describe(path, stream, frame)
    # The decoder had no threads of its own: one that writes to libav's log, which is read here,
    # would wait for Python while Python waits for it to end.
    return replace(found, colour=replace(found.colour, location=chroma_location(frame)))


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> VideoFrame:
    """The first frame that can be decoded."""
    decoder = decoder_for(stream, threads=1)
    try:
        for packet in container.demux(stream):
            try:
                for frame in decoder.decode(packet if packet.size else None):
                    return frame
            except av.error.FFmpegError:
                continue
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    raise ValueError(f"{path}: no frame of its video can be decoded; is the file complete?")


def _describe(path: Path, stream: VideoStream, frame: VideoFrame) -> Source:
    """The format of ``stream``, whose first frame is ``frame``."""
    context = stream.codec_context
    matrix = _side_data(frame, Type.DISPLAYMATRIX)
    return Source(
        path=path,
        width=frame.width,
        height=frame.height,
        pix_fmt=working_format(frame.format.name),
        colour=_colour(stream, frame),
        time_base=stream.time_base or Fraction(1, 1000),
        rate=stream.average_rate or stream.guessed_rate or Fraction(25),
        aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio or None,
        matrix=struct.unpack("=9i", matrix[:36]) if matrix else None,
        mastering=_side_data(frame, Type.MASTERING_DISPLAY_METADATA),
        light=_side_data(frame, Type.CONTENT_LIGHT_LEVEL),
        interlaced=frame.interlaced_frame or context.field_order in INTERLACED,
    )


def _colour(stream: VideoStream, frame: VideoFrame) -> Colour:
    """The tags of the first frame, completed by the container's where the frame has none."""
    context = stream.codec_context
    full = frame.format.name in FULL_RANGE or frame.color_range == FULL
    return Colour(
        matrix=_known(frame.colorspace, context.colorspace),
        primaries=_known(frame.color_primaries, context.color_primaries),
        transfer=_known(frame.color_trc, context.color_trc),
        range=FULL if full else int(frame.color_range) or int(context.color_range),
    )


def _known(first: int, second: int) -> int:
    return int(second) if first == UNSPECIFIED else int(first)


def _side_data(frame: VideoFrame, kind: Type) -> bytes | None:
    for entry in cast(Iterable[SideData], frame.side_data):
        if entry.type == kind:
            return bytes(entry)
    return None


def chroma_location(frame: VideoFrame) -> str:
    """Libav's name of the place of ``frame``'s chroma samples.

    PyAV does not hand this field out, so libav's ``showinfo`` filter is asked and its log read.
    """
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)
    )
    sink = graph.add("buffersink")
    graph.link_nodes(source, graph.add("showinfo", "checksum=0"), sink).configure()
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture(local=True) as log:
            source.push(frame)
            sink.pull()
    finally:
        av.logging.set_level(level)
    found = re.search(r" cl:(\w+)", "".join(line for _, _, line in log))
    return found.group(1) if found else "unspecified"
