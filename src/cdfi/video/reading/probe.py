"""Decode the start of a video to check that frames have the order of their packets' times."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.video.reading.container import open_video
from cdfi.video.reading.decoder import decoder_for
from cdfi.video.reading.packets import read_packets
from cdfi.video.timing.discontinuities import ClockCorrection

CHECKED = 24  # frames; enough for several groups of B frames
CHECKED_CLOSELY = 400  # frames, if packet times ascend although the codec reorders frames
WRONG = 0.1  # of the frames; fewer are errors of a decoder at its start


def order_is_wrong(path: Path, correction: ClockCorrection, *, suspected: bool) -> bool:
    """Return whether the decoded order contradicts the packet times of ``path``.

    Times that were guessed (from decode times, by a demuxer or an older muxer) ascend in decode
    order; the decoder then returns frames whose times go back and forth.

    Args:
        path: of the file.
        correction: of the times of its packets.
        suspected: the times look guessed; more frames are checked then.
    """
    count = CHECKED_CLOSELY if suspected else CHECKED
    latest: int | None = None
    seen = backwards = 0
    with open_video(path) as (container, stream):
        frames = _decoded(container, stream, correction)
        for frame in islice(frames, count):
            if frame.pts is None:
                continue
            seen += 1
            backwards += latest is not None and frame.pts < latest
            latest = frame.pts if latest is None else max(latest, frame.pts)
    return backwards > WRONG * seen


def _decoded(
    container: av.container.InputContainer, stream: VideoStream, correction: ClockCorrection
) -> Iterator[VideoFrame]:
    decoder = decoder_for(stream)
    for packet in read_packets(container, [stream], correction):
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError:
            continue
    try:
        yield from decoder.decode(None)
    except av.error.FFmpegError:
        return
