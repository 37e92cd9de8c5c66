"""Open a media file for reading; every error names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from cdfi.common.files import media_url
from cdfi.video.reading.stand_in import stand_in

MAX_PIXELS = 1 << 28


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open the container at ``path``, and close it afterwards.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a media file, or not a file that can be read more than once.
    """
    if known := stand_in(path):
        rate = {"framerate": str(1 / Fraction(known.tick)), "start_number": "0"}
        with av.open(media_url(path), format="image2", options=rate) as container:
            yield container
        return
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a video file")
    if str(path) == "-" or (path.exists() and not path.is_file()):
        what = "standard input" if str(path) == "-" else f"{path} is a pipe or a device, which"
        raise ValueError(f"{what} cannot be read twice: write the video to a file first")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes): is the copy or download complete?")
    try:
        container = av.open(media_url(path), metadata_errors="replace")
    except PermissionError as error:
        raise PermissionError(f"{path} may not be read: check its permissions") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise ValueError(f"{path} is not a readable video: {_reason(error)}") from error
    with container:
        yield container


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open ``path`` and yield the container with its first video stream.

    Raises:
        OSError: as :func:`open_media`.
        ValueError: as :func:`open_media`, or there is no video stream besides cover pictures.
    """
    with open_media(path) as container:
        yield container, video_stream(container, path)


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first video stream that is not a cover picture.

    Raises:
        ValueError: there is none, or none that can be decoded.
    """
    for stream in container.streams.video:
        if not is_cover(stream):
            if stream.codec_context is None:
                raise ValueError(f"{path}: its video codec cannot be decoded by this libav")
            _check_size(stream, path)
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise ValueError(f"{path} has no video stream, only {kinds}")


def is_cover(stream: Stream) -> bool:
    """Return whether ``stream`` is a cover picture."""
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)


def _check_size(stream: VideoStream, path: Path) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"{path} declares {width} x {height} pixels, more than {MAX_PIXELS}: the file is "
            "damaged, or must be scaled down first"
        )


def _reason(error: Exception) -> str:
    """Return libav's description of ``error``."""
    return getattr(error, "strerror", None) or str(error)
