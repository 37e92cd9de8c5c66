"""A decoded picture with the instant it appears."""

from __future__ import annotations

from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A source picture, never altered.

    ``pts`` counts ticks of the source stream's time base; ``is_cut`` says that the picture opens a
    new scene, ``is_repeat`` that it repeats the picture before it.
    """

    pts: int
    image: av.VideoFrame
    is_cut: bool = False
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class OutputFrame:
    """A picture of the result; ``pts`` counts ticks of the result's time base."""

    pts: int
    image: av.VideoFrame
    interpolated: bool
