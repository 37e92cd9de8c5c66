"""Pairs of a frame of the result and the source frame shown at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from av.video.frame import VideoFrame

from cdfi.common.image_numbers import images_of
from cdfi.video.writing.image_files import is_image, read_image

RATE = 12  # images per second of a comparison


class Pair(NamedTuple):
    """A frame of the result, the source frame shown at that time, and whether they are equal."""

    time: Fraction
    before: VideoFrame
    after: VideoFrame
    is_source: bool


def is_images(sources: list[str]) -> bool:
    """Return whether the sources are images, or a folder of images."""
    return Path(sources[0]).is_dir() or is_image(Path(sources[0]))


def image_pairs(sources: list[str], result: str, begin: Fraction) -> Iterator[Pair]:
    """Yield each image of a result from ``begin`` on, with the source image before it.

    Of two images and the one between them, the sequence of all three is yielded.
    """
    if Path(result).is_dir():
        befores, afters = images_of(Path(sources[0])).paths, images_of(Path(result)).paths
        factor = max((len(afters) - 1) // max(len(befores) - 1, 1), 1)
    else:
        befores = [Path(path) for path in sources]
        afters, factor = [befores[0], Path(result), befores[1]], 2
    for index, path in enumerate(afters):
        time = Fraction(index, RATE)
        if time < begin:
            continue
        before = befores[min(index // factor, len(befores) - 1)]
        yield Pair(time, read_image(before), read_image(path), index % factor == 0)
