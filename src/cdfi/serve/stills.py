"""Pictures of a video for the page: a strip of thumbnails, and the frame at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from cdfi.common.files import atomic_write
from cdfi.serve.media_names import IMAGES, suffix_of
from cdfi.serve.turned import shown_image
from cdfi.video.reading.container import open_video
from cdfi.video.reading.index import read_index
from cdfi.video.writing.image_files import read_image

THUMBNAIL = (160, 120)  # the largest width and height
STILL = (960, 720)
UNDECODABLE = "no frame of the video can be decoded"


def write_thumbnails(path: str, target: str, ratio: float) -> None:
    """Write pictures, evenly spread over a video, side by side in a JPEG.

    Args:
        path: of the video.
        target: path of the JPEG.
        ratio: of width to height that the JPEG should have.

    Raises:
        OSError, ValueError: the video cannot be read.
    """
    index = read_index(Path(path))
    length = float((index.end - index.first) * index.time_base)
    begin = float(index.first * index.time_base)
    count = _count(Path(path), ratio)
    times = [begin + length * (number + 0.5) / count for number in range(count)]
    with open_video(Path(path)) as (container, stream):
        images = [shown_image(frame, THUMBNAIL) for frame in _near(container, stream, times)]
    if not images:
        raise ValueError(UNDECODABLE)
    images += [images[-1]] * (count - len(images))
    width, height = images[0].size
    strip = Image.new("RGB", (width * count, height))
    for number, image in enumerate(images):
        strip.paste(image, (number * width, 0))
    _save(strip, target)


def write_still(path: str, target: str, seconds: float) -> None:
    """Write the frame that is shown ``seconds`` after the first one, or an image turned upright.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    if suffix_of(path) in IMAGES:
        _save(shown_image(read_image(Path(path)), STILL), target)
        return
    with open_video(Path(path)) as (container, stream):
        frame = _at(container, stream, seconds)
        _save(shown_image(frame, STILL), target)


def _count(path: Path, ratio: float) -> int:
    """Return how many pictures of a video have the wanted ratio together."""
    with open_video(path) as (container, stream):
        first = next(container.decode(stream), None)
    if first is None:
        raise ValueError(UNDECODABLE)
    width, height = shown_image(first, THUMBNAIL).size
    return max(round(ratio * height / width), 3)


def _near(
    container: InputContainer, stream: VideoStream, times: list[float]
) -> Iterator[VideoFrame]:
    """Yield a frame near each time: the first that can be decoded after a seek."""
    for seconds in times:
        frame = next(_from(container, stream, seconds), None)
        if frame is not None:
            yield frame


def _at(container: InputContainer, stream: VideoStream, seconds: float) -> VideoFrame:
    """Return the frame that is shown at a time after the first one."""
    begin = float((stream.start_time or 0) * (stream.time_base or 0))
    wanted, found = begin + seconds, None
    for frame in _from(container, stream, wanted):
        if found is not None and frame.time is not None and frame.time > wanted + 1e-4:
            break
        found = frame
    if found is None:
        raise ValueError(UNDECODABLE)
    return found


def _from(container: InputContainer, stream: VideoStream, seconds: float) -> Iterator[VideoFrame]:
    """Yield frames from the keyframe at or before a time on."""
    assert stream.time_base is not None
    container.seek(max(int(seconds / stream.time_base), 0), stream=stream)
    yield from container.decode(stream)


def _save(image: Image.Image, target: str) -> None:
    with atomic_write(Path(target)) as part:
        image.save(part, "JPEG", quality=80)
