"""Frames of the source and of the result, with their times."""

from __future__ import annotations

from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A decoded frame; its image is never changed.

    Attributes:
        pts: when it is shown, in ticks of the source stream's time base.
        image: the picture.
        is_cut: it opens a new scene.
        is_repeat: it shows the same as the frame before it.
    """

    pts: int
    image: av.VideoFrame
    is_cut: bool = False
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class OutputFrame:
    """A frame of the result.

    Attributes:
        pts: when it is shown, in ticks of the result's time base.
        image: the picture.
        interpolated: it is computed, not a frame of the source.
    """

    pts: int
    image: av.VideoFrame
    interpolated: bool
