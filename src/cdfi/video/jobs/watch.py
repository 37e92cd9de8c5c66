"""Callbacks of a job: its start, each frame, decisions; and a live picture."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from av.video.frame import VideoFrame
from PIL import Image

from cdfi.common.files import atomic_write
from cdfi.video.pixels.formats import reformatted
from cdfi.video.timing.frame import OutputFrame

LIVE_SECONDS = 1.0  # between two pictures
LIVE_WIDTH = 640  # pixels of each of the three frames, at most


class JobWatch:
    """Callbacks of a job; every method does nothing unless a subclass overrides it.

    The methods run in the thread that encodes: they must be quick.

    Attributes:
        live: path of a picture that each process of the job keeps, see :class:`LivePicture`; None
            for none.
    """

    live: Path | None = None

    def on_start(self, segments: int, finished: int) -> None:
        """Handle the start: how many segments there are, and how many are finished already."""

    def on_warning(self, text: str) -> None:
        """Handle a line that the user should read before the job is done."""

    def on_wait(self, folder: Path) -> None:
        """Handle the start of waiting for workers, which need the work folder."""

    def on_frame(self, segment: int, frame: OutputFrame | None, counts: Counter[str]) -> None:
        """Handle the next frame of the result, with the decisions made there.

        Args:
            segment: its number, from 0.
            frame: that is encoded next; None for decisions alone.
            counts: of decisions, by their name.
        """


class LiveWatch(JobWatch):
    """Keeps the live picture of the process in which it is."""

    def __init__(self, live: Path | None) -> None:
        self.live = live
        self._picture = LivePicture(live) if live is not None else None

    def on_frame(self, segment: int, frame: OutputFrame | None, counts: Counter[str]) -> None:
        """Show the frame."""
        if self._picture is not None and frame is not None:
            self._picture.add(frame)


class LivePicture:
    """Keep a picture of the newest interpolated frame between its two source frames.

    Args:
        path: of the picture; it is replaced in one step, at most once a second, whichever process
            has written it last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_at = float("-inf")
        self._left: VideoFrame | None = None
        self._interpolated: list[VideoFrame] = []

    def add(self, frame: OutputFrame) -> None:
        """Take the next frame of the result; write a picture if it completes one that is due."""
        if frame.interpolated:
            self._interpolated.append(frame.image)
            return
        if self._left is not None and self._interpolated and self._is_due():
            self._write([self._left, self._interpolated[len(self._interpolated) // 2], frame.image])
            self._written_at = time.monotonic()
        self._left = frame.image
        self._interpolated.clear()

    def _is_due(self) -> bool:
        if time.monotonic() - self._written_at < LIVE_SECONDS:
            return False
        try:
            age = time.time() - self._path.stat().st_mtime
        except OSError:  # the file does not exist yet
            return True
        return not 0 <= age < LIVE_SECONDS

    def _write(self, frames: list[VideoFrame]) -> None:
        pictures = [_small(frame) for frame in frames]
        width, height = pictures[0].size
        row = Image.new("RGB", (3 * width, height))
        for number, picture in enumerate(pictures):
            row.paste(picture, (number * width, 0))
        with atomic_write(self._path) as part:
            row.save(part)


def _small(frame: VideoFrame) -> Image.Image:
    """Return a frame as an image of at most ``LIVE_WIDTH`` pixels in width."""
    width = min(frame.width, LIVE_WIDTH)
    height = max(frame.height * width // frame.width, 1)
    picture: Image.Image = reformatted(frame, "rgb24", width=width, height=height).to_image()
    return picture
