"""Show frames in a notebook: a picture, or an animation."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

from cdfi.interpolation.clip import ValueRange, as_pictures


class ShownFrames:
    """A frame as a PNG, or a clip as an animated WebP, which a notebook displays.

    Attributes:
        pictures: PIL images.
        fps: frames a second of the animation.
    """

    def __init__(self, pictures: list[Any], fps: float) -> None:
        self.pictures, self.fps = pictures, fps

    def __repr__(self) -> str:
        width, height = self.pictures[0].size
        return f"ShownFrames({len(self.pictures)} of {width} x {height})"

    def _repr_html_(self) -> str:
        kind, content = self.encoded()
        text = b64encode(content).decode()
        return f'<img alt="{self!r}" src="data:image/{kind};base64,{text}">'

    def encoded(self) -> tuple[str, bytes]:
        """Return the kind of the image, "png" or "webp", and its bytes."""
        first, *others = self.pictures
        file = io.BytesIO()
        if not others:
            first.save(file, "PNG")
            return "png", file.getvalue()
        length = max(round(1000 / self.fps), 1)
        first.save(file, "WEBP", save_all=True, append_images=others, duration=length, loop=0)
        return "webp", file.getvalue()


def show_frames(
    frames: Any, *, fps: float = 24.0, value_range: ValueRange = (0.0, 1.0)
) -> ShownFrames:
    """Return an object that a notebook displays as a picture or an animation.

    Args:
        frames: an image (H, W, 3), a tensor (3, H, W) or a PIL image; or a clip, as
            :func:`cdfi.interpolate_frames` takes and returns it. Of a batch, the first clip.
        fps: frames a second.
        value_range: lowest and highest value of float frames.

    Raises:
        ValueError: ``frames`` is of another kind or has values outside the range, or ``fps`` is not
            above 0.
    """
    if not fps > 0:
        raise ValueError(f"expected fps above 0, got {fps}")
    return ShownFrames(as_pictures(frames, value_range), fps)
