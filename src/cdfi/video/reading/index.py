"""The times of a video's frames, and the clock of all streams, read from packets."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from cdfi.video.reading.container import is_cover, open_video
from cdfi.video.reading.packets import read_packets
from cdfi.video.reading.probe import order_is_wrong
from cdfi.video.timing.discontinuities import ClockCorrection, DiscontinuityFinder
from cdfi.video.timing.distinct_times import Times, spread

CLOCK_MAY_SKIP = 0x0200  # libav's AVFMT_TS_DISCONT
DEFAULT_RATE = Fraction(25)
PADDED = ("opus", "libopus")  # codecs whose lead-in containers hide by its length
PADDING = Fraction(1, 10)  # seconds; no lead-in is longer
FIRST = 32  # packets at the beginning of a stream that include the one that is shown first

JUMPS = "jumps of the file's clock closed, in all its streams alike"
MISSING = -(1 << 63)  # stands for an unknown time


@dataclass(frozen=True)
class Index:
    """The times of a video's frames, corrected, in ticks of ``time_base``.

    Attributes:
        times: when each frame is shown, strictly ascending; frames whose packets have the same time
            are spread over its tick.
        keys: the times of the frames that decoding can start at, ascending.
        end: when the last frame ends.
        step: the usual distance of two frames, for frames whose time is not known.
        time_base: the length of a tick, in seconds.
        packet_times: the times that the packets have, ascending, in ticks of the stream.
        scale: how many ticks of ``time_base`` are one of the stream; above 1 if frames have the
            same time.
        by_order: packet times are missing or wrong; frame n of the decoded order has ``times[n]``.
        correction: what to add to the times of all streams of the file.
        starts: when each stream of the file begins, in seconds, by its index.
        duration: when the last stream of the file ends, in seconds.
        damage: why the file cannot be read to its end, if so.
        follows: a frame is shown at ``end``: the one after a part of a video.
        warnings: what is unusual about the times, each a clause for the report.
    """

    times: Times
    keys: Times
    end: int
    step: int
    time_base: Fraction
    packet_times: Times
    scale: int = 1
    by_order: bool = False
    correction: ClockCorrection = field(default_factory=ClockCorrection)
    starts: Mapping[int, Fraction] = field(default_factory=dict)
    duration: Fraction = Fraction(0)
    damage: str = ""
    follows: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def rate(self) -> Fraction:
        """The mean rate, frames per second."""
        span = (self.end - int(self.times[0])) * self.time_base
        return len(self.times) / span

    @property
    def seekable(self) -> bool:
        """Whether decoding can start at a keyframe in the middle and know each frame's time."""
        return not self.by_order and not self.correction.jumps and self.scale == 1

    @property
    def first(self) -> int:
        """The time of the first frame."""
        return int(self.times[0])

    @property
    def grid(self) -> int:
        """The largest number of ticks that divides all times."""
        return int(np.gcd.reduce(self.times)) or 1

    def boundaries(self, length: int) -> list[int]:
        """Return the times at which segments of ``length`` frames start."""
        return [int(time) for time in self.times[::length]]

    def before(self, pts: int, lead: int) -> int:
        """Return the keyframe from which to decode to have ``lead`` frames before ``pts``."""
        index = max(int(np.searchsorted(self.times, pts)) - lead, 0)
        key = int(np.searchsorted(self.keys, self.times[index], side="right")) - 1
        return int(self.keys[max(key, 0)])


def read_index(path: Path) -> Index:
    """Read the times of the first video stream of ``path``, and the jumps of all its streams.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a video, or no packet of its video can be read.
    """
    with open_video(path) as (container, stream):
        scan = _Scan(path, container, stream)
        scan.run()
        if not scan.count:
            raise ValueError(f"{path} has a video stream but no frame in it: is the file complete?")
        reorders = bool(stream.codec_context.reorder_depth)
        guessed = container.format.name == "avi"  # which stores no presentation times
    wrong = scan.missing > 0
    if not wrong:
        pts = scan.pts()
        in_order = bool((np.diff(pts) > 0).all())
        wrong = reorders and in_order and guessed
        if not wrong:
            wrong = order_is_wrong(path, scan.correction, suspected=in_order and reorders)
    return scan.by_order() if wrong else scan.by_time()


class _Scan:
    """One pass over the packets of a file."""

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self.path, self.container = path, container
        self.number = stream.index
        self.time_base = stream.time_base or Fraction(1, 1000)
        rate = stream.average_rate or stream.guessed_rate or DEFAULT_RATE
        self.nominal = max(round(1 / (rate * self.time_base)), 1)
        # MP4 has no lengths of frames, but steps from one to the next in decode order. If that is
        # not the order of time, the last frame ends with the track.
        begin, length = stream.start_time, stream.duration
        tracks = "mp4" in container.format.name and begin is not None and bool(length)
        self._declared_frames = stream.frames if tracks else -1
        self._declared_end = (begin or 0) + (length or 0)
        self.missing = self.count = self._ordinal = 0
        self.damage = ""
        self.correction = ClockCorrection()
        # For each packet of the video that is not discarded; MISSING for an unknown time.
        self._pts, self._dts, self._lengths = array("q"), array("q"), array("q")
        self._ordinals, self._keys = array("q"), array("b")
        self._lows: dict[int, Fraction] = {}
        self._begun: dict[int, int] = {}
        self._last = Fraction(0)

    def run(self) -> None:
        may_skip = bool(self.container.format.flags & CLOCK_MAY_SKIP)
        finder = DiscontinuityFinder(may_skip)
        streams = [*self.container.streams]
        for packet in read_packets(self.container, streams, ClockCorrection(), self._failed):
            stream = packet.stream
            finder.add(
                packet.stream_index,
                packet.time_base,
                dts=packet.dts,
                pts=packet.pts,
                duration=packet.duration or 0,
                dense=_is_dense(stream),
            )
            self._extent(packet)
            if packet.stream_index == self.number:
                self._take(packet)
        self.correction = finder.correction()

    def _failed(self, error: av.error.FFmpegError, final: bool) -> None:
        if final:
            self.damage = f"{self.path} cannot be read to its end: {error.strerror}"
        elif not self.damage:
            self.damage = f"{self.path} is damaged: {error.strerror}"

    def _extent(self, packet: Packet[Any]) -> None:
        """Note where a stream begins, and where the file ends."""
        if packet.pts is None or packet.is_discard:
            return
        number, time = packet.stream_index, packet.pts * packet.time_base
        context = packet.stream.codec_context
        if context is not None and context.name in PADDED:
            time = max(time, min(Fraction(0), time + PADDING))
        if self._begun.get(number, 0) < FIRST:
            self._begun[number] = self._begun.get(number, 0) + 1
            self._lows[number] = min(self._lows.get(number, time), time)
        self._last = max(self._last, time + (packet.duration or 0) * packet.time_base)

    def _take(self, packet: Packet[VideoStream]) -> None:
        self._ordinal += 1
        if packet.is_discard:
            return
        self.count += 1
        self.missing += packet.pts is None
        self._pts.append(MISSING if packet.pts is None else packet.pts)
        self._dts.append(MISSING if packet.dts is None else packet.dts)
        self._lengths.append(packet.duration or 0)
        self._keys.append(packet.is_keyframe)
        self._ordinals.append(self._ordinal - 1)

    def _corrected(self, times: array[int]) -> Times:
        """Return ``times`` with the correction added."""
        values = np.frombuffer(times, np.int64).copy()
        known = values != MISSING
        ordinals = np.frombuffer(self._ordinals, np.int64)
        before = 0
        for ordinal, seconds in self.correction.steps.get(self.number, ()):
            ticks = round(seconds / self.time_base)
            values[known & (ordinals >= ordinal)] += ticks - before
            before = ticks
        return values

    def pts(self) -> Times:
        """Return the presentation times in decode order."""
        return self._corrected(self._pts)

    def by_time(self) -> Index:
        """Return the index of packets whose times can be used."""
        raw = self.pts()
        ordered = np.sort(raw)
        times, scale = spread(ordered)
        keys = np.frombuffer(self._keys, np.int8) != 0
        starts = np.unique(raw[keys]) if keys.any() else ordered[:1]
        last = np.flatnonzero(raw == ordered[-1])[-1]
        length = int(self._lengths[int(last)])
        if self._ordinal == self._declared_frames and (np.diff(raw) < 0).any():
            declared = self._declared_end - int(ordered[-1])
            length = declared if declared > 0 else 0
        end = int(ordered[-1] + length) * scale if length else 0
        return self._index(times, ordered, starts * scale, end, scale=scale)

    def by_order(self) -> Index:
        """Return the index of frames that are timed by their order.

        Guessed times ascend in decode order; decode times are then what the file stores. If these
        are missing too, frames follow each other at the nominal rate.
        """
        pts, dts = self.pts(), self._corrected(self._dts)
        known = pts[pts != MISSING]
        guessed = len(known) < self.count or bool((np.diff(pts) > 0).all())
        if guessed and (dts != MISSING).all() and (np.diff(dts) > 0).all():
            times = dts
        elif len(known) == self.count:
            times = np.sort(pts)
            times = times if (np.diff(times) > 0).all() else times[0] + self._counted()
        else:
            early = int(np.argmax(pts != MISSING))
            first = int(known.min()) - early * self.nominal if len(known) else 0
            times = first + self._counted()
        return self._index(times, times, times[:1], 0, by_order=True)

    def _counted(self) -> Times:
        """Return times at the nominal rate from 0 on."""
        return np.arange(self.count, dtype=np.int64) * self.nominal

    def _index(
        self,
        times: Times,
        packet_times: Times,
        keys: Times,
        end: int,
        *,
        scale: int = 1,
        by_order: bool = False,
    ) -> Index:
        """Return the index; ``end`` is that of the last frame, or 0 if it is not known."""
        gaps = np.diff(times)
        step = int(np.median(gaps)) if len(gaps) and not by_order else self.nominal * scale
        step, last = max(step, 1), int(times[-1])
        jumps = self.correction.jumps
        return Index(
            times=times,
            keys=keys,
            end=end if end > last else last + step,
            step=step,
            time_base=self.time_base / scale,
            packet_times=packet_times,
            scale=scale,
            by_order=by_order,
            correction=self.correction,
            starts={
                number: low + next(self.correction.seconds(number))
                for number, low in self._lows.items()
            },
            duration=self._last + max(self.correction.largest, Fraction(0)),
            damage=self.damage,
            warnings=(f"{jumps} {JUMPS}",) if jumps else (),
        )


def _is_dense(stream: Stream) -> bool:
    """Return whether a stream has a packet for every instant."""
    return stream.type in ("video", "audio") and not is_cover(stream)
