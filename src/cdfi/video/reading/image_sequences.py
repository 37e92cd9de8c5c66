"""Numbered images and animations as a video that the rest of the package can read.

A temporary folder gets links to the images, numbered without gaps as libav's ``image2`` expects
them, and a file with their times.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, UnidentifiedImageError

from cdfi.common.image_numbers import images_of, is_sequence
from cdfi.video.reading.stand_in import Timing, write_timing

MILLISECOND = Fraction(1, 1000)
ANIMATED = {"WEBP", "PNG"}  # formats whose animations Pillow reads better than libav
UNTIMED, SHORTEST = 100, 10  # ms; how long frames without a duration are shown, and the least


@dataclass(frozen=True)
class Stills:
    """A readable stand-in for images.

    Attributes:
        path: for the functions that read a video.
        warnings: a clause for each gap in their numbers, and for what a video does not keep.
    """

    path: Path
    warnings: tuple[str, ...] = ()


def are_stills(source: Path) -> bool:
    """Return whether ``source`` is a folder, a pattern of images, or an animated WebP or PNG."""
    return is_image_sequence(source) or is_animation(source)


def is_image_sequence(source: Path) -> bool:
    """Return whether ``source`` is a folder, or a pattern of numbered images."""
    return source.is_dir() or is_sequence(source)


def is_animation(path: Path) -> bool:
    """Return whether ``path`` is an animated WebP or PNG."""
    if path.suffix.lower() not in (".webp", ".png", ".apng") or not path.is_file():
        return False
    try:
        with Image.open(path) as opened:
            return opened.format in ANIMATED and bool(getattr(opened, "is_animated", False))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return False


@contextmanager
def readable(source: Path, rate: Fraction | None, keep_gaps: bool) -> Iterator[Stills]:
    """Yield a stand-in for ``source``, which is ``source`` itself if it is a video.

    Args:
        source: a video, a folder or a pattern of images, or an animated WebP or PNG.
        rate: of images, in frames per second.
        keep_gaps: whether images that are missing leave a gap in time.

    Raises:
        OSError: an image cannot be read.
        ValueError: ``rate`` is missing for images, there are too few of them, or an animation is
            damaged.
    """
    if not are_stills(source):
        yield Stills(source)
        return
    with TemporaryDirectory(prefix="cdfi-") as folder:
        if is_animation(source):
            yield _unpacked(source, Path(folder))
        elif rate is None:
            raise ValueError(f"{source}: images have no times: give their rate, such as --rate 24")
        else:
            yield _linked(source, rate, keep_gaps, Path(folder))


def _linked(source: Path, rate: Fraction, keep_gaps: bool, folder: Path) -> Stills:
    """Link the images of a folder or a pattern into ``folder``."""
    found = images_of(source)
    if len(found.paths) < 2:
        raise ValueError(f"{source} names {len(found.paths)} images, expected two or more")
    kinds = {path.suffix.lower().replace("jpeg", "jpg") for path in found.paths}
    if len(kinds) > 1:
        raise ValueError(f"{source}: expected images of one kind, found {', '.join(sorted(kinds))}")
    name, suffix = _name(source), found.paths[0].suffix.lower()
    for number, path in enumerate(found.paths):
        _link(path.absolute(), folder / f"{name}.{number:06d}{suffix}")
    numbers = found.numbers if keep_gaps else list(range(len(found.paths)))
    write_timing(folder, Timing(str(1 / rate), numbers, numbers[-1] + 1))
    done = "interpolated" if keep_gaps else "--fill-gaps interpolates them"
    warnings = [f"{line} ({done})" for line in found.gaps]
    if suffix == ".exr":
        warnings.append("linear light becomes sRGB, in which what is brighter than 1 is white")
    return Stills(folder / f"{name}.%06d{suffix}", tuple(warnings))


def _name(source: Path) -> str:
    """Return a name for messages: that of the folder, or of the pattern without its number."""
    return re.sub(r"%\d*[di]|#+", "", source.stem).rstrip("._- ").replace("%", "") or "images"


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path)
    except OSError:  # a system without links
        shutil.copyfile(path, link)


def _unpacked(source: Path, folder: Path) -> Stills:
    """Write the frames of an animation into ``folder``."""
    times, end, name = list[int](), 0, _name(source)
    with Image.open(source) as opened:
        for number in range(getattr(opened, "n_frames", 1)):
            frame = _frame(opened, number, source)
            frame.save(folder / f"{name}.{number:06d}.png", compress_level=1)
            times.append(end)
            end += max(round(float(opened.info.get("duration") or UNTIMED)), SHORTEST)
    write_timing(folder, Timing(str(MILLISECOND), times, end))
    return Stills(folder / f"{name}.%06d.png")


def _frame(opened: Image.Image, number: int, source: Path) -> Image.Image:
    """Return a frame of the animation ``source`` as RGB or RGBA."""
    try:
        opened.seek(number)
        return opened.convert("RGBA" if _has_alpha(opened) else "RGB")
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise ValueError(f"{source} is damaged or incomplete: {error}") from error


def _has_alpha(image: Image.Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info
