"""Interpolating still images: two to one, or a folder to a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.video.frame import VideoFrame

from cdfi.common.files import move, resolve_output
from cdfi.common.progress import Progress
from cdfi.video.jobs.model import AnyModel, FrameInterpolator, fingerprint, resolve_model
from cdfi.video.jobs.plan import check_apart
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.jobs.sealed import file_fingerprint
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.pixels.formats import layout, reformatted
from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.spans import Kind, Span
from cdfi.video.timing.timeline import Instant, tolerance
from cdfi.video.writing.codecs import CONTAINERS
from cdfi.video.writing.image_files import COLOUR, images_in, is_image, read_image, write_image


def interpolate_images(
    first: Path,
    second: Path,
    target: Path,
    model: AnyModel,
    overwrite: bool = False,
) -> None:
    """Write the image half-way between two images of one size.

    Raises as :func:`check_images` does, and OSError where the image cannot be written.
    """
    left, right = check_images(first, second, target, overwrite)
    maker = resolve_model(model)
    (middle,) = _between(left, right, 2, maker)
    write_image(middle, target)


def check_images(
    first: Path, second: Path, target: Path, overwrite: bool = False
) -> tuple[VideoFrame, VideoFrame]:
    """The two images that are to give ``target``.

    Raises FileExistsError where ``target`` exists and ``overwrite`` is false, and OSError or
    ValueError for images that cannot be read, differ in size, or would be replaced.
    """
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, expected an image file's name")
    for source in (first, second):
        check_apart(source, target)
    resolve_output(target, overwrite)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} does not exist: make the output folder first")
    return _pair(first, second)


def interpolate_folder(
    source: Path,
    target: Path,
    model: AnyModel,
    factor: int = 2,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the images of ``source`` with ``factor - 1`` made ones between each two, numbered.

    Returns how many were written. They are gathered in a work folder and appear together; an
    interrupted call is taken up by the same call. Raises as :func:`check_folder` and
    :func:`interpolate_images` do.
    """
    paths = check_folder(source, target, factor, overwrite)
    maker, work = resolve_model(model), WorkFolder(target)
    with work.lock():
        names = [f"{path.name} {file_fingerprint(path)}" for path in paths]
        work.begin({"source": names, "factor": factor, "model": fingerprint(maker)}, overwrite)
        total = pictures_of(paths, factor)
        for number, image in enumerate(_sequence(paths, factor, maker, work)):
            if image is not None:
                write_image(image, work.new(work.image(number).name))
                work.finish_image(number)
            if progress is not None:
                progress(number + 1, total)
        target.mkdir(exist_ok=True)
        for number in range(total):
            image_path = work.image(number)
            move(image_path, resolve_output(target / image_path.name, overwrite=True))
        work.clear()
    return total


def check_folder(source: Path, target: Path, factor: int, overwrite: bool = False) -> list[Path]:
    """The images of ``source`` that are to go to ``target``.

    Raises FileExistsError where ``target`` is not empty and ``overwrite`` is false, and OSError or
    ValueError for too few images, a wrong factor, or images that would be replaced.
    """
    paths = images_in(source)
    if len(paths) < 2:
        raise ValueError(f"{source} holds {len(paths)} images, expected two or more")
    if factor < 2:
        raise ValueError(f"factor must be a whole number of 2 or more, got {factor}")
    check_apart(source, target)
    if not target.is_dir() and (is_image(target) or target.suffix.lower() in CONTAINERS):
        raise ValueError(f"{target}: a folder of images becomes another: give a folder's name")
    if target.exists() and not overwrite and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} exists: give --overwrite to write into it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} does not exist: make the output folder first")
    return paths


def pictures_of(paths: Sequence[Path], factor: int) -> int:
    """How many images come of these."""
    return factor * (len(paths) - 1) + 1


def _sequence(
    paths: list[Path], factor: int, maker: FrameInterpolator, work: WorkFolder
) -> Iterator[VideoFrame | None]:
    """The images of the result in order, None for those that ``work`` keeps already."""
    for index, (first, second) in enumerate(pairwise(paths)):
        numbers = range(index * factor, (index + 1) * factor)
        if all(work.record(number, check=True) for number in numbers):
            yield from [None] * factor
            continue
        left, right = _pair(first, second)
        yield left
        yield from _between(left, right, factor, maker)
    yield read_image(paths[-1])


def _pair(first: Path, second: Path) -> tuple[VideoFrame, VideoFrame]:
    """Two images, which must be of one size."""
    left, right = read_image(first), read_image(second)
    if (left.width, left.height) != (right.width, right.height):
        raise ValueError(
            f"{first} is {left.width} x {left.height} and {second} is {right.width} x "
            f"{right.height}: the images must be of one size"
        )
    return left, right


def _common(first: str, second: str) -> str:
    """The pixel format of an image between two: coloured, deep and with alpha where one is."""
    if first == second:
        return first
    forms = layout(first), layout(second)
    coloured = any(form.family == "rgb" for form in forms)
    alpha, deep = any(form.alpha for form in forms), any(form.bits > 8 for form in forms)
    if coloured or alpha:
        return {(0, 0): "rgb24", (0, 1): "rgb48le", (1, 0): "rgba", (1, 1): "rgba64le"}[alpha, deep]
    return "gray16le" if deep else "gray"


def _between(
    left: VideoFrame, right: VideoFrame, factor: int, maker: FrameInterpolator
) -> list[VideoFrame]:
    """The ``factor - 1`` images between two, in a format that keeps what either has."""
    form = _common(left.format.name, right.format.name)
    left, right = reformatted(left, form), reformatted(right, form)
    places = [Instant(step, Fraction(step, factor)) for step in range(1, factor)]
    span = Span(
        SourceFrame(0, left), SourceFrame(factor, right), Kind.MOTION, places, tolerance(factor)
    )
    renderer = Renderer(maker, FormatConverter(form, form, COLOUR, left.width, left.height))
    return [picture.image for picture in renderer.frames(span)]
