"""Images and clips by the suffixes of their names, and patterns of numbered images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from cdfi.common.paths import natural, visible_entries

STILLS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".tga")
IMAGES = (*STILLS, ".dpx", ".exr")
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".mxf", ".ogv", ".3gp")
STREAMS = (".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".nut", ".y4m")
#: What counts as a clip in a folder.
CLIPS = (*VIDEOS, *STREAMS, ".gif", ".apng")
_NUMBER = re.compile(r"%(0?)(\d{0,2})[di]|(#+)")


class Numbered(NamedTuple):
    """Images in the order of their numbers.

    Attributes:
        paths: of the images.
        numbers: of each, ascending from 0; without gaps if the names are not numbered alike.
    """

    paths: list[Path]
    numbers: list[int]

    @property
    def gaps(self) -> list[str]:
        """A clause for each gap in the numbers."""
        return [
            f"{before.name} is followed by {after.name}: {second - first - 1} images are missing"
            for (before, after), (first, second) in zip(
                pairwise(self.paths), pairwise(self.numbers)
            )
            if second > first + 1
        ]


def is_sequence(path: Path) -> bool:
    """Return whether ``path`` is a pattern of numbered images: ``shot.%04d.png``, ``a.####.dpx``.

    An existing file of that name is not a pattern.
    """
    is_image_name = path.suffix.lower() in IMAGES
    return is_image_name and bool(_NUMBER.search(path.name)) and not path.exists()


def images_of(source: Path) -> Numbered:
    """Return the images of a folder, or those that a pattern names.

    Raises:
        OSError: the folder does not exist.
        ValueError: the pattern has more than one number in it.
    """
    if source.is_dir():
        images = [path for path in visible_entries(source) if path.suffix.lower() in IMAGES]
        paths = sorted(images, key=natural)
        return Numbered(paths, _numbers_in_names(paths))
    if not source.parent.is_dir():
        raise FileNotFoundError(f"{source.parent} does not exist")
    parts = _NUMBER.split(source.name)
    if len(parts) != 5:
        raise ValueError(f"{source}: expected a pattern with one number, such as shot.%04d.png")
    width = int(parts[2] or 1) if parts[3] is None else len(parts[3])
    before, after = (re.escape(part.replace("%%", "%")) for part in (parts[0], parts[4]))
    name = re.compile(rf"{before}(\d{{{width},}}){after}")
    found = [(int(m[1]), p) for p in source.parent.iterdir() if (m := name.fullmatch(p.name))]
    found.sort()
    return Numbered([p for _, p in found], _from_zero([number for number, _ in found]))


def _numbers_in_names(paths: Sequence[Path]) -> list[int]:
    """Return the numbers of files that are numbered alike, else 0, 1, 2, ..."""
    parts = [re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem) for path in paths]
    matches = [m for m in parts if m]
    if len(matches) < len(paths) or len({(m[1], m[3]) for m in matches}) > 1:
        return list(range(len(paths)))
    numbers = [int(m[2]) for m in matches]
    if any(after <= before for before, after in pairwise(numbers)):
        return list(range(len(paths)))
    return _from_zero(numbers)


def _from_zero(numbers: Sequence[int]) -> list[int]:
    """Return ascending numbers from 0 on, in units of their usual step."""
    steps = [after - before for before, after in pairwise(numbers)]
    usual = min((step for step in steps if step > 0), default=1)
    if any(step % usual for step in steps):
        return list(range(len(numbers)))
    return [(number - numbers[0]) // usual for number in numbers]
