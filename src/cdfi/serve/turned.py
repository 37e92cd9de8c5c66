"""Frames as they are shown: turned upright, such as those of phones, and reduced in size."""

from __future__ import annotations

from av.video.frame import VideoFrame
from PIL import Image

from cdfi.video.pixels.formats import reformatted


def shown_image(frame: VideoFrame, most: tuple[int, int]) -> Image.Image:
    """Return a frame as it is shown, at even sizes of at most ``most`` (width, height)."""
    turn = round(frame.rotation / 90) * 90
    across = frame.height if turn % 180 else frame.width
    down = frame.width if turn % 180 else frame.height
    scale = min(most[0] / across, most[1] / down, 1.0)
    width, height = (max(round(size * scale) & ~1, 2) for size in (frame.width, frame.height))
    image: Image.Image = reformatted(frame, "rgb24", width=width, height=height).to_image()
    return image.rotate(turn, expand=True) if turn else image
