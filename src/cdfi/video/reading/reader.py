"""Frames of a video in order of time, from the start or from any instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.video.pixels.formats import reformatted, to_working
from cdfi.video.reading.container import open_video
from cdfi.video.reading.decoder import decoder_for
from cdfi.video.reading.deinterlace import deinterlaced
from cdfi.video.reading.index import Index
from cdfi.video.reading.packets import read_packets
from cdfi.video.reading.source import Source
from cdfi.video.timing.frame import SourceFrame

DAMAGED = "damaged packets skipped"
DOUBTFUL = "damaged packets decoded as far as they go"
CONCEALED = "damaged frames kept as they were decoded"
CUT_SHORT = "end of the file unreadable"
UNREADABLE = "unreadable places of the file passed over"
LATE = "frames skipped that were decoded after later ones"
RESIZED = "frames of another size or format scaled to the first frame's"
INTERLACED = "interlaced frames used as they are: give --deinterlace to filter them"


@dataclass
class Reader:
    """Decodes the video of ``source``.

    Attributes:
        source: the video's format.
        index: its times.
        deinterlace: turn interlaced frames into progressive ones.
        warnings: how often something was left out or changed, by reason.
    """

    source: Source
    index: Index
    deinterlace: bool = False
    warnings: Counter[str] = field(default_factory=Counter)

    def frames(self, start: int | None = None, lead: int = 0) -> Iterator[SourceFrame]:
        """Yield the frames in order of time, each later than the one before it.

        Args:
            start: a source time; frames are yielded from ``lead`` or more before it on. Decoding
                starts at a keyframe. None yields all frames.
            lead: the number of frames wanted before ``start``.
        """
        frames = self._timed(self._images(start, lead))
        if self.deinterlace:
            frames = deinterlaced(frames, self.source)
        return map(self._conformed, frames)

    def _images(self, start: int | None, lead: int) -> Iterator[VideoFrame]:
        """Yield decoded frames from a keyframe that is early enough."""
        if start is not None and self.index.seekable:
            key = self.index.before(start, lead)
            if key > self.index.first:
                with open_video(self.source.path) as (container, stream):
                    container.seek(key, stream=stream)
                    packets = self._packets(container, stream)
                    opening = next((packet for packet in packets if packet.is_keyframe), None)
                    if opening is not None and opening.pts is not None and opening.pts <= key:
                        images = self._decoded(chain([opening], packets), stream)
                        # Frames before the keyframe may lack what they were predicted from.
                        yield from (image for image in images if (image.pts or 0) >= key)
                        return
        with open_video(self.source.path) as (container, stream):
            yield from self._decoded(self._packets(container, stream), stream)

    def _packets(
        self, container: av.container.InputContainer, stream: VideoStream
    ) -> Iterator[Packet[VideoStream]]:
        """Yield the packets; with ``index.by_order`` their number stands for their time."""
        number = 0
        for packet in read_packets(container, [stream], self.index.correction, self._failed):
            if packet.is_corrupt:
                self.warnings[DOUBTFUL] += 1
            if self.index.by_order:
                packet.pts = number
                number += not packet.is_discard
            yield packet

    def _failed(self, error: av.error.FFmpegError, final: bool) -> None:
        self.warnings[CUT_SHORT if final else UNREADABLE] += 1

    def _decoded(
        self, packets: Iterable[Packet[VideoStream]], stream: VideoStream
    ) -> Iterator[VideoFrame]:
        """Yield every frame that can be decoded; damage is counted and passed over."""
        context = decoder_for(stream)
        for packet in chain(packets, [None]):
            try:
                yield from context.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.warnings[DAMAGED] += 1

    def _timed(self, images: Iterable[VideoFrame]) -> Iterator[SourceFrame]:
        """Yield ``images`` with their times."""
        timer = _OrderTimer(self.index) if self.index.by_order else _PacketTimer(self.index)
        last: int | None = None
        for image in images:
            if image.is_corrupt:
                self.warnings[CONCEALED] += 1
            if image.interlaced_frame and not self.deinterlace and not self.source.segmented:
                self.warnings[INTERLACED] += 1
            pts = timer.time(image)
            if last is not None and pts <= last:
                self.warnings[LATE] += 1
                continue
            last = pts
            image.pts, image.time_base = pts, self.source.time_base
            yield SourceFrame(pts, image)

    def _conformed(self, frame: SourceFrame) -> SourceFrame:
        """Return ``frame`` in the working format and size of the first frame."""
        image = to_working(frame.image)
        wanted = (self.source.width, self.source.height, self.source.pix_fmt)
        if (image.width, image.height, image.format.name) != wanted:
            self.warnings[RESIZED] += 1
            width, height, name = wanted
            image = reformatted(image, name, width=width, height=height, interpolation="BICUBIC")
        image.pts, image.time_base = frame.pts, self.source.time_base
        return SourceFrame(frame.pts, image)


class _PacketTimer:
    """Times frames by their packets; several with the same time get distinct times."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._next = 0
        self._last = index.first - index.step

    def time(self, image: VideoFrame) -> int:
        """Return the time of the next frame in decoded order."""
        number, known = self._next, self.index.packet_times
        if image.pts is not None:
            number += int(np.searchsorted(known[number:], image.pts))
        if image.pts is not None and number < len(known) and known[number] == image.pts:
            self._next = number + 1
            self._last = int(self.index.times[number])
        elif image.pts is not None:
            self._last = image.pts * self.index.scale
        else:
            self._last += self.index.step
        return self._last


class _OrderTimer:
    """Times frames by their order; after damage, the number of the next keyframe corrects it."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._next = 0

    def time(self, image: VideoFrame) -> int:
        """Return the time of the next frame in decoded order."""
        if image.key_frame and image.pts is not None:
            # Frames before a keyframe in decode order are shown before it as well.
            self._next = max(self._next, image.pts)
        number, times = self._next, self.index.times
        self._next += 1
        if number < len(times):
            return int(times[number])
        return int(times[-1]) + (number + 1 - len(times)) * self.index.step
