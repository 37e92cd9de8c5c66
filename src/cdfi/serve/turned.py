"""Videos that are turned when they are shown, such as those of phones held upright."""

from __future__ import annotations

from av.video.frame import VideoFrame
from PIL import Image


def turned_size(width: int, height: int, matrix: tuple[int, ...] | None) -> tuple[int, int]:
    """Return the size that is shown; ``matrix`` is libav's display matrix.

    Column p and row q of a stored frame are shown at ``matrix[0] * p + matrix[3] * q`` across.
    """
    if matrix is not None and abs(matrix[3]) > abs(matrix[0]):
        return height, width
    return width, height


def shown_image(frame: VideoFrame, most: tuple[int, int]) -> Image.Image:
    """Return a frame as it is shown, at even sizes of at most ``most`` (width, height)."""
    turn = round(frame.rotation / 90) * 90
    across = frame.height if turn % 180 else frame.width
    down = frame.width if turn % 180 else frame.height
    scale = min(most[0] / across, most[1] / down, 1.0)
    width, height = (max(round(size * scale) & ~1, 2) for size in (frame.width, frame.height))
    image: Image.Image = frame.reformat(width=width, height=height, format="rgb24").to_image()
    return image.rotate(turn, expand=True) if turn else image
