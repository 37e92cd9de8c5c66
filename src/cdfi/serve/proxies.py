"""The comparison video, which any browser plays: the source above the result in each frame.

The page draws both halves from the same frame, so that they stay in sync.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from cdfi.common.files import atomic_write, media_url
from cdfi.serve.frame_pairs import Pair, image_pairs, is_images
from cdfi.serve.turned import shown_image
from cdfi.video.pixels.formats import reformatted
from cdfi.video.reading.container import open_video
from cdfi.video.reading.index import read_index
from cdfi.video.reading.part import part_of
from cdfi.video.timing.moment import parse_moment
from cdfi.video.timing.rate import parse_slow

MOST = (960, 720)  # the largest width and height of each half
CLOCK = 90_000  # ticks per second
X264 = {"crf": "18", "preset": "veryfast", "bf": "0", "g": "12"}  # short groups: quick steps
SAME = Fraction(2, 1000)  # seconds; containers round times to milliseconds


class TimedFrame(NamedTuple):
    """A frame, and its time in seconds after the first one of its video."""

    time: Fraction
    frame: VideoFrame


def write_proxy(
    sources: list[str],
    result: str,
    target: str,
    *,
    slow: str = "1",
    part: str = "0",
    start: float = 0,
    seconds: float = 20,
) -> dict[str, Any]:
    """Write a part of a result below the same part of its source, as an H.264 video of 8 bits.

    Args:
        sources: path of the source: a video, a folder of images, or two images.
        result: path of the result: a video, a folder of images, or an image.
        target: path of the MP4 file to write.
        slow: how many times longer the result is.
        part: where the part of the source begins that the result shows.
        start: of the part, in seconds of the result.
        seconds: length of the part.

    Returns:
        The size of each half, the time of each frame in seconds, and which frames of the result
        are source frames.

    Raises:
        OSError, ValueError: a file cannot be read or written.
    """
    begin, length = (Fraction(one).limit_denominator(CLOCK) for one in (start, seconds))
    pairs = _all_pairs(sources, result, slow, part, begin)
    with atomic_write(Path(target)) as file, av.open(media_url(file), "w", format="mp4") as out:
        writer = _ProxyWriter(out, begin)
        for pair in pairs:
            if pair.time >= begin + length:
                break
            writer.add(pair)
        writer.close()
    return {"size": list(writer.size), "times": writer.times, "source": writer.originals}


def _all_pairs(
    sources: list[str], result: str, slow: str, part: str, begin: Fraction
) -> Iterator[Pair]:
    """Return the pairs of images or of a video from ``begin`` on."""
    if is_images(sources):
        return image_pairs(sources, result, begin)
    source = Path(sources[0])
    return _pairs(source, Path(result), parse_slow(slow), _beginning(source, part), begin)


class _ProxyWriter:
    """Encodes pairs of frames, and remembers their times."""

    def __init__(self, container: OutputContainer, begin: Fraction) -> None:
        self.size = (0, 0)
        self.times: list[float] = []
        self.originals: list[bool] = []
        self._container, self._begin = container, begin
        self._stream: VideoStream | None = None

    def add(self, pair: Pair) -> None:
        image, self.size = _stacked(pair)
        if self._stream is None:
            self._stream = _stream(self._container, image)
        frame = reformatted(VideoFrame.from_image(image), "yuv420p")
        frame.pts = round((pair.time - self._begin) * CLOCK)
        frame.time_base = Fraction(1, CLOCK)
        self._container.mux(self._stream.encode(frame))
        self.times.append(frame.pts / CLOCK)
        self.originals.append(pair.is_source)

    def close(self) -> None:
        if self._stream is None:
            raise ValueError(f"the result has no frame after {float(self._begin):g} s")
        self._container.mux(self._stream.encode(None))


def _stream(container: OutputContainer, image: Image.Image) -> VideoStream:
    stream = container.add_stream("libx264", rate=30, options=X264)
    stream.width, stream.height = image.size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, CLOCK)
    return stream


def _beginning(source: Path, part: str) -> Fraction:
    """Return the time of the first frame of a part, in seconds after the first frame of all."""
    index = read_index(source)
    found = part_of(index, parse_moment(part), None, None, path=source)
    return (found.first - index.first) * index.time_base


def _stacked(pair: Pair) -> tuple[Image.Image, tuple[int, int]]:
    """Return the source frame above the result's frame, and the size of one of them."""
    after = shown_image(pair.after, MOST)
    before = shown_image(pair.before, MOST)
    if before.size != after.size:  # the encoder of the result needed even sizes
        before = before.resize(after.size)
    image = Image.new("RGB", (after.width, 2 * after.height))
    image.paste(before, (0, 0))
    image.paste(after, (0, after.height))
    return image, after.size


def _pairs(
    source: Path, result: Path, slow: Fraction, shift: Fraction, begin: Fraction
) -> Iterator[Pair]:
    """Yield the frames of the result from ``begin`` on, each with the source frame shown then."""
    befores = _frames(source, begin / slow + shift)
    shown = next(befores, None)
    following = next(befores, None)
    for time, frame in _frames(result, begin):
        if time < begin:
            continue
        wanted = time / slow + shift
        while following is not None and following.time <= wanted + SAME:
            shown, following = following, next(befores, None)
        if shown is None:
            return
        yield Pair(time, shown.frame, frame, abs(shown.time - wanted) <= SAME)


def _frames(path: Path, begin: Fraction) -> Iterator[TimedFrame]:
    """Yield the frames of a video from the keyframe at or before ``begin`` on."""
    with open_video(path) as (container, stream):
        base = Fraction(stream.time_base or 1)
        first = Fraction(stream.start_time or 0) * base
        container.seek(int((first + begin) / base), stream=stream)
        for frame in container.decode(stream):
            if frame.pts is not None:
                yield TimedFrame(frame.pts * base - first, frame)
