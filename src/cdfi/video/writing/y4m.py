"""YUV4MPEG2, a stream of frames without compression that other programs read from a pipe."""

from __future__ import annotations

from fractions import Fraction
from typing import BinaryIO

from av.video.frame import VideoFrame

from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.pixels.formats import FULL, read_components
from cdfi.video.writing.y4m_formats import COLOURS

MAGIC = b"YUV4MPEG2 "
#: The header's names of other chroma positions than JPEG's, for 4:2:0 with 8 bits.
POSITIONS = {"left": "420mpeg2 XYSCSS=420MPEG2", "topleft": "420paldv XYSCSS=420PALDV"}


class Y4mWriter:
    """Write frames to ``file``, which need not be seekable."""

    def __init__(
        self,
        file: BinaryIO,
        converter: FormatConverter,
        rate: Fraction,
        aspect: Fraction | None = None,
    ) -> None:
        """Write the header.

        Args:
            file: open for writing.
            converter: whose target is one of ``COLOURS``.
            rate: frames per second.
            aspect: width to height of a pixel; None if it is unknown.
        """
        self._file = file
        colour = COLOURS[converter.target]
        if converter.target == "yuv420p":
            colour = POSITIONS.get(converter.colour.location, colour)
        width, height = converter.size
        shape = f"{aspect.numerator}:{aspect.denominator}" if aspect else "0:0"
        words = [f"W{width} H{height} F{rate.numerator}:{rate.denominator} Ip A{shape} C{colour}"]
        if converter.tags.range:
            full = converter.tags.range == FULL
            words.append(f"XCOLORRANGE={'FULL' if full else 'LIMITED'}")
        file.write(MAGIC + " ".join(words).encode() + b"\n")

    def add(self, image: VideoFrame) -> None:
        """Write a frame."""
        planes = [part.numpy().tobytes() for part in read_components(image)]
        self._file.write(b"FRAME\n" + b"".join(planes))
        self._file.flush()
