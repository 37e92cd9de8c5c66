"""The format of a video file: the properties of its video stream that the result must keep."""

from __future__ import annotations

import re
import struct
import threading
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import av.logging
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.video.pixels.colour import UNSPECIFIED, Colour
from cdfi.video.pixels.formats import FULL, FULL_RANGE, layout, working_format
from cdfi.video.pixels.linear_samples import CODECS, PRIMARIES, TRANSFER, is_linear
from cdfi.video.reading.container import open_video
from cdfi.video.reading.decoder import decoder_for
from cdfi.video.reading.side_data import side_data

RGB = 0  # AVCOL_SPC_RGB
INTERLACED = (2, 3, 4, 5)  # libav's AV_FIELD_TT, BB, TB, BT
#: Held while the level of libav's log is changed. If two threads restored it in the wrong order,
#: PyAV would keep logging in Python, and a decoder that logs from its own thread while it is closed
#: would never end.
_LOG_LEVEL = threading.Lock()


@dataclass(frozen=True)
class Source:
    """The format of a video file's frames.

    Attributes:
        path: of the file.
        width: of a frame, in pixels.
        height: of a frame, in pixels.
        pix_fmt: the format that frames are handled in: the decoded one, or one with the same
            samples in another order.
        colour: the colour tags.
        time_base: the length of a tick of the frames' times, in seconds.
        rate: the nominal rate, in frames per second.
        aspect: the shape of a pixel, width to height; the container's if it has one.
        matrix: the nine numbers of the display matrix, as libav has them.
        mastering: HDR10 mastering display, as the bytes of libav's structure.
        light: HDR10 content light level, as the bytes of libav's structure.
        interlaced: frames have two fields of different instants, and must be filtered.
        segmented: frames are flagged interlaced, but their fields show one instant.
        mixed: only some frames are flagged interlaced.
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


def read_source(path: Path) -> Source:
    """Read the format of ``path`` from its header and its first frame.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a video, none of its frames can be decoded, or their format is not
            supported.
    """
    with open_video(path) as (container, stream):
        frame = _first_frame(container, stream, path)
        found = describe(path, stream, frame)
    # The decoder above has no threads: one that wrote to libav's log, which is read here, would
    # wait for Python while Python waits for the thread.
    return with_location(found, frame)


def with_location(source: Source, frame: VideoFrame) -> Source:
    """Return ``source`` with the position of the chroma samples of ``frame``."""
    return replace(source, colour=replace(source.colour, location=chroma_location(frame)))


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> VideoFrame:
    """Return the first frame that can be decoded."""
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


def describe(path: Path, stream: VideoStream, frame: VideoFrame) -> Source:
    """Return the format of ``stream``, whose first frame is ``frame``."""
    context = stream.codec_context
    matrix = _side_data(frame, Type.DISPLAYMATRIX)
    return Source(
        path=path,
        width=frame.width,
        height=frame.height,
        pix_fmt=_pixel_format(stream, frame),
        colour=_colour(stream, frame),
        time_base=stream.time_base or Fraction(1, 1000),
        rate=stream.average_rate or stream.guessed_rate or Fraction(25),
        aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio or None,
        matrix=struct.unpack("=9i", matrix[:36]) if matrix else None,
        mastering=_side_data(frame, Type.MASTERING_DISPLAY_METADATA),
        light=_side_data(frame, Type.CONTENT_LIGHT_LEVEL),
        interlaced=frame.interlaced_frame or context.field_order in INTERLACED,
    )


def _pixel_format(stream: VideoStream, frame: VideoFrame) -> str:
    """Return the working format; raise ValueError for floats that may not be linear light."""
    name = frame.format.name
    if is_linear(frame) and stream.codec_context.name not in CODECS:
        return layout(name).name
    return working_format(name)


def _colour(stream: VideoStream, frame: VideoFrame) -> Colour:
    """Return the tags of the first frame; those that it lacks are the container's."""
    if is_linear(frame):
        return Colour(matrix=RGB, primaries=PRIMARIES, transfer=TRANSFER, range=FULL)
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
    for entry in side_data(frame):
        if entry.type == kind:
            return bytes(entry)
    return None


def chroma_location(frame: VideoFrame) -> str:
    """Return the position of ``frame``'s chroma samples, by libav's name.

    PyAV has no attribute for it, so it is read from the log of libav's ``showinfo`` filter.
    """
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)
    )
    sink = graph.add("buffersink")
    graph.link_nodes(source, graph.add("showinfo", "checksum=0"), sink).configure()
    with _LOG_LEVEL:
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
