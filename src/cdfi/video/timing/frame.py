"""A decoded picture with the instant it appears."""

from __future__ import annotations

from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class Frame:
    """A source picture, never altered.

    ``pts`` counts ticks of the source stream's time base; ``cut`` says that the picture opens a
    new scene, ``same`` that it repeats the picture before it.
    """

    pts: int
    image: av.VideoFrame
    cut: bool = False
    same: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the result; ``pts`` counts ticks of the result's time base."""

    pts: int
    image: av.VideoFrame
    made: bool
