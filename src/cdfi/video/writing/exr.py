"""OpenEXR images: linear light in half or float, read and written by libav."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import VideoFrame

from cdfi.common.files import atomic_write
from cdfi.video.pixels.linear_samples import from_planes, planes_of

SUFFIX, MAGIC = ".exr", b"\x76\x2f\x31\x01"


def read_exr(path: Path) -> VideoFrame:
    """Return the image at ``path`` in libav's format of 16 or 32 bits of float.

    Raises:
        av.error.FFmpegError: it is damaged, or of a kind that libav does not read.
        ValueError: there is no picture in it.
    """
    context = av.CodecContext.create("exr", "r")
    assert isinstance(context, av.VideoCodecContext)
    data = path.read_bytes()
    if data.startswith(MAGIC) and _last_chunk(data) >= len(data):
        raise ValueError(f"{path} is damaged or incomplete: it ends before its last lines")
    for frame in (*context.decode(Packet(data)), *context.decode(None)):
        return frame
    raise ValueError(f"{path} is damaged or incomplete: no picture in it")


def write_exr(image: VideoFrame, path: Path) -> None:
    """Write an image of linear light to ``path`` atomically, with the precision that it has.

    Raises:
        OSError: the file cannot be written.
    """
    half = "f16" in image.format.name
    context = av.CodecContext.create("exr", "w")
    assert isinstance(context, av.VideoCodecContext)
    wide = from_planes(planes_of(image), half=False)
    context.width, context.height, context.pix_fmt = wide.width, wide.height, wide.format.name
    context.time_base = Fraction(1, 25)
    context.options = {"format": "half" if half else "float", "compression": "zip16"}
    packets = context.encode(wide) + context.encode(None)
    with atomic_write(path) as part:
        part.write_bytes(b"".join(map(bytes, packets)))


def _last_chunk(data: bytes) -> int:
    """Return where the last part of a picture begins; libav fills what is missing with black.

    A header of attributes (name, type, size, value) ends with an empty name. Then follow the
    positions of the chunks, the first of which lies after them (OpenEXR's file layout).
    """
    position = len(MAGIC) + 4
    try:
        while data[position]:
            position = data.index(b"\0", data.index(b"\0", position) + 1) + 1
            position += 4 + struct.unpack_from("<i", data, position)[0]
        table = position + 1
        count = (struct.unpack_from("<Q", data, table)[0] - table) // 8
        return max(struct.unpack_from(f"<{count}Q", data, table), default=0) + 8
    except (IndexError, ValueError, struct.error):
        return len(data)
