"""Decode videos to RGB arrays for training, with PyAV or, if it is missing, OpenCV."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cdfi.common.files import media_url


def decode(path: Path, lines: int | None = None) -> Iterator[np.ndarray]:
    """Yield the frames of a video in order, uint8 (H, W, 3).

    Args:
        path: a video file.
        lines: frames whose shorter side is longer than this are scaled down to it.

    Raises:
        ValueError: the file cannot be decoded, or neither PyAV nor OpenCV is installed.
    """
    if find_spec("av") is not None:
        return _with_pyav(path, lines)
    if find_spec("cv2") is not None:
        return _with_opencv(path, lines)
    raise ValueError("reading videos needs PyAV or OpenCV: pip install av")


def fitted(height: int, width: int, lines: int | None) -> tuple[int, int]:
    """Return the even height and width to which a frame is scaled."""
    scale = min(1.0, lines / min(height, width)) if lines else 1.0
    return max(2, round(height * scale / 2) * 2), max(2, round(width * scale / 2) * 2)


def _with_pyav(path: Path, lines: int | None) -> Iterator[np.ndarray]:
    import av
    from av.video.reformatter import Interpolation

    try:
        with av.open(media_url(path)) as container:
            if not container.streams.video:
                raise ValueError(f"{path} holds no video")
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                height, width = fitted(frame.height, frame.width, lines)
                yield frame.reformat(
                    width, height, "rgb24", interpolation=Interpolation.AREA
                ).to_ndarray()
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded: {error}") from error


def _with_opencv(path: Path, lines: int | None) -> Iterator[np.ndarray]:
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        good, frame = capture.read()
        if not good:
            raise ValueError(f"{path} cannot be decoded by OpenCV")
        while good:
            size = fitted(frame.shape[0], frame.shape[1], lines)
            if size != frame.shape[:2]:
                frame = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            good, frame = capture.read()
    finally:
        capture.release()
