"""Opening a media file for reading, with every failure told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from cdfi.common.files import media_url


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """The opened container at ``path``.

    Raises OSError when the file cannot be read and ValueError when it is no media file.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a video file")
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
    """The container at ``path`` and its first real video stream (a cover picture is none).

    Raises ValueError also when there is no such stream.
    """
    with open_media(path) as container:
        yield container, video_stream(container, path)


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first video stream that is no cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise ValueError(f"{path}: its video codec cannot be decoded by this libav")
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise ValueError(f"{path} has no video stream, only {kinds}")


def _reason(error: Exception) -> str:
    """libav's own words for ``error``."""
    return getattr(error, "strerror", None) or str(error)
