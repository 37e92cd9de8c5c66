"""Interpolate a folder of still images to a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from av.video.frame import VideoFrame

from cdfi.common.files import check_apart, move, require_parent, resolve_output
from cdfi.common.image_numbers import IMAGES, Numbered, images_of
from cdfi.common.progress import Progress
from cdfi.video.image_gaps import describe_files, gaps_of
from cdfi.video.images import Kept, OnWarning, image_losses, images_between, read_pair, warn_of
from cdfi.video.jobs.hold import held_fingerprint, image_mask
from cdfi.video.jobs.model import (
    AnyModel,
    FrameInterpolator,
    Model,
    as_model,
    fingerprint,
    resolve_model,
)
from cdfi.video.jobs.sealed import file_fingerprint
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.writing.codecs import CONTAINERS
from cdfi.video.writing.exr import SUFFIX as EXR
from cdfi.video.writing.image_files import is_image, read_image, write_image
from cdfi.video.writing.image_tags import ImageTags, read_tags


class HeldParts(NamedTuple):
    """What is not interpolated in the images of a folder, whatever their sizes.

    Attributes:
        hold: boxes and masks.
        black_bars: whether black bars are kept as they are.
    """

    hold: tuple[str, ...]
    black_bars: bool

    def of(self, image: VideoFrame) -> Kept:
        """Return the parts of an image."""
        return Kept(image_mask(self.hold, image.width, image.height), self.black_bars)

    def as_json(self) -> dict[str, object]:
        """Return JSON values that are equal if the parts are; empty for the defaults."""
        held: dict[str, object] = {"held": held_fingerprint(self.hold)} if self.hold else {}
        return held if self.black_bars else held | {"black_bars": False}


def interpolate_folder(
    source: str | Path,
    target: str | Path,
    *,
    model: AnyModel | None = None,
    factor: int = 2,
    fill_gaps: bool = False,
    hold: Sequence[str] = (),
    black_bars: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
    on_warning: OnWarning | None = None,
) -> int:
    """Write the images of ``source`` with ``factor - 1`` interpolated ones between each two.

    They are numbered, and appear together; a repeated call continues an interrupted one. Each has
    the colour profile and the resolution of its source, or of the one before it.

    Args:
        source: a folder of images, or a pattern such as ``shot.%04d.png``.
        target: the folder to write.
        model: as in :func:`interpolate_video`.
        factor: images in place of each one.
        fill_gaps: interpolate images whose numbers are missing, at their instants.
        hold: what is taken from the nearest image: boxes and masks, as in :class:`Options`.
        black_bars: keep black bars at the borders exactly as they are.
        overwrite: write into ``target`` even if it is not empty.
        progress: called with the number of images written and that of all.
        on_warning: called with a line about each gap in the numbers, and about what is lost.

    Returns:
        The number of images.

    Raises:
        OSError, ValueError: as :func:`check_folder`, or for an image that is damaged.
    """
    images = check_folder(Path(source), target := Path(target), factor, overwrite=overwrite)
    if not fill_gaps:
        images = images._replace(numbers=list(range(len(images.paths))))
    held = HeldParts(tuple(hold), black_bars)
    lost = _write_folder(images, target, factor, as_model(model), held, overwrite, progress)
    gaps = gaps_of(images.paths, filled=fill_gaps)
    for line in gaps + image_losses(images.paths, [], target, lost):
        warn_of(on_warning, line)
    return image_count(images.numbers, factor)


def _write_folder(
    images: Numbered,
    target: Path,
    factor: int,
    model: Model,
    held: HeldParts,
    overwrite: bool,
    progress: Progress | None,
) -> list[str]:
    """Write the images of the result to ``target``; return what they do not keep."""
    exr = {path.suffix.lower() for path in images.paths} == {EXR}
    work = WorkFolder(target, image_suffix=EXR if exr else ".png")
    with work.lock():
        names = [f"{path.name} {file_fingerprint(path)}" for path in images.paths]
        job = {"source": names, "factor": factor, "model": fingerprint(model)}
        filled = images.numbers[-1] >= len(images.paths)
        job |= {"numbers": images.numbers} if filled else {}
        work.begin(job | held.as_json(), overwrite)
        lost = _write_numbered(images, factor, resolve_model(model), held, work, progress)
        _move_images(work, target, image_count(images.numbers, factor))
    return lost


def _move_images(work: WorkFolder, target: Path, count: int) -> None:
    """Move the finished images of ``work`` to the folder ``target``."""
    target.mkdir(exist_ok=True)
    for number in range(count):
        image_path = work.image(number)
        move(image_path, resolve_output(target / image_path.name, overwrite=True))
    work.clear()


def _write_numbered(
    images: Numbered,
    factor: int,
    interpolator: FrameInterpolator,
    held: HeldParts,
    work: WorkFolder,
    progress: Progress | None,
) -> list[str]:
    """Write the images of the result into ``work``; return what they do not keep."""
    total = image_count(images.numbers, factor)
    tags, lost = ImageTags(), set[str]()
    sources = {number * factor: path for path, number in zip(*images)}
    for number, image in enumerate(_sequence(images, factor, interpolator, held, work)):
        if image is not None:
            tags = read_tags(sources[number]) if number in sources else tags
            lost |= {*write_image(image, work.new(work.image(number).name), tags)}
            work.finish_image(number)
        if progress is not None:
            progress(number + 1, total)
    return sorted(lost)


def check_folder(source: Path, target: Path, factor: int, *, overwrite: bool = False) -> Numbered:
    """Return the images of the folder or pattern ``source`` that are to go to ``target``.

    Raises:
        FileExistsError: ``target`` is not empty and ``overwrite`` is false.
        OSError: a folder cannot be read or written.
        ValueError: there are too few images, the factor is wrong, or images would be replaced.
    """
    images = images_of(source)
    if len(images.paths) < 2:
        raise ValueError(
            f"{source} holds {len(images.paths)} images, expected two or more files that end in "
            f"{', '.join(IMAGES)}{describe_files(source)}"
        )
    if factor < 2:
        raise ValueError(f"factor must be a whole number of 2 or more, got {factor}")
    check_apart(source, target)
    if not target.is_dir() and (is_image(target) or target.suffix.lower() in CONTAINERS):
        raise ValueError(f"{target}: a folder of images becomes another: give a folder's name")
    if target.exists() and not overwrite and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} exists: give --overwrite to write into it")
    require_parent(target)
    return images


def image_count(numbers: Sequence[int], factor: int) -> int:
    """Return the number of images in the result; ``numbers``, of the sources, begin with 0."""
    return factor * numbers[-1] + 1


def _sequence(
    images: Numbered,
    factor: int,
    interpolator: FrameInterpolator,
    held: HeldParts,
    work: WorkFolder,
) -> Iterator[VideoFrame | None]:
    """Yield the images of the result in order, None for those that ``work`` keeps already."""
    for (first, second), (begin, end) in zip(pairwise(images.paths), pairwise(images.numbers)):
        count = (end - begin) * factor
        if all(work.record(begin * factor + step, check=True) for step in range(count)):
            yield from [None] * count
            continue
        left, right = read_pair(first, second)
        yield left
        yield from images_between(left, right, count, interpolator, held.of(left))
    yield read_image(images.paths[-1])
