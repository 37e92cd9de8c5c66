"""Frames of a video in order of time, from the start or from any instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.video.pixels.formats import reformatted, to_working
from cdfi.video.reading.container import open_video
from cdfi.video.reading.decoder import decoder_for
from cdfi.video.reading.deinterlace import progressive
from cdfi.video.reading.index import Index
from cdfi.video.reading.source import Source
from cdfi.video.timing.frame import SourceFrame

DAMAGED = "damaged packets skipped"
DOUBTFUL = "damaged packets decoded as far as they go"
CONCEALED = "damaged frames kept as they were decoded"
CUT_SHORT = "end of the file unreadable"
REPEATED = "frames skipped whose time was not after the frame before"
RESIZED = "frames of another size or format scaled to the first frame's"


@dataclass
class Reader:
    """Decodes ``source``; ``warnings`` counts what was left out or changed, by reason."""

    source: Source
    index: Index
    deinterlace: bool = False
    warnings: Counter[str] = field(default_factory=Counter)

    def frames(self, start: int | None = None, lead: int = 0) -> Iterator[SourceFrame]:
        """The frames in order of time, each later than the one before it.

        With ``start``, from ``lead`` or more frames before that source time on: decoding starts at
        a keyframe, and frames are known by their time, never counted from where a seek landed.
        """
        frames = self._timed(self._images(start, lead))
        if self.deinterlace:
            frames = progressive(frames, self.source)
        return map(self._conformed, frames)

    def _images(self, start: int | None, lead: int) -> Iterator[VideoFrame]:
        """Decoded frames from a keyframe that is early enough."""
        if start is not None and self.index.trusted:
            key = self.index.before(start, lead)
            if key > self.index.first:
                with open_video(self.source.path) as (container, stream):
                    container.seek(key, stream=stream)
                    packets = container.demux(stream)
                    opening = next((packet for packet in packets if packet.is_keyframe), None)
                    if opening is not None and opening.pts is not None and opening.pts <= key:
                        images = self._decoded(chain([opening], packets), stream)
                        # Frames before the keyframe may lack what they were predicted from.
                        yield from (image for image in images if (image.pts or 0) >= key)
                        return
        with open_video(self.source.path) as (container, stream):
            yield from self._decoded(container.demux(stream), stream)

    def _decoded(
        self, packets: Iterable[Packet[VideoStream]], stream: VideoStream
    ) -> Iterator[VideoFrame]:
        """Every frame that can be decoded; damage is noted and passed over."""
        context = decoder_for(stream)
        rest = iter(packets)
        while True:
            try:
                packet = next(rest, None)
            except av.error.FFmpegError:
                self.warnings[CUT_SHORT] += 1
                packet = None
            last = packet is None or not packet.size
            if packet is not None and packet.is_corrupt:
                self.warnings[DOUBTFUL] += 1
            try:
                yield from context.decode(None if last else packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.warnings[DAMAGED] += 1
            if last:
                return

    def _timed(self, images: Iterable[VideoFrame]) -> Iterator[SourceFrame]:
        """``images`` with their times: the stream's, or counted where these cannot be trusted."""
        last: int | None = None
        for image in images:
            if image.is_corrupt:
                self.warnings[CONCEALED] += 1
            pts = image.pts if self.index.trusted else None
            if pts is None:
                pts = self.index.first if last is None else last + self.index.step
            if last is not None and pts <= last:
                self.warnings[REPEATED] += 1
                continue
            last = pts
            image.pts, image.time_base = pts, self.source.time_base
            yield SourceFrame(pts, image)

    def _conformed(self, frame: SourceFrame) -> SourceFrame:
        """``frame`` in the working format and size of the first frame."""
        image = to_working(frame.image)
        wanted = (self.source.width, self.source.height, self.source.pix_fmt)
        if (image.width, image.height, image.format.name) != wanted:
            self.warnings[RESIZED] += 1
            width, height, name = wanted
            image = reformatted(image, name, width=width, height=height, interpolation="BICUBIC")
        image.pts, image.time_base = frame.pts, self.source.time_base
        return SourceFrame(frame.pts, image)
