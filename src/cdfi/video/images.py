"""Interpolate two still images to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.common.files import check_apart, require_parent, resolve_output
from cdfi.video.jobs.hold import image_mask
from cdfi.video.jobs.model import AnyModel, FrameInterpolator, resolve_model
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.linear_light import linear_between
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.pixels.formats import layout, reformatted
from cdfi.video.pixels.linear_samples import is_linear
from cdfi.video.small_frames import operations_for_one_frame
from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.spans import Kind, Span
from cdfi.video.timing.timeline import Instant, tolerance
from cdfi.video.writing.image_files import COLOUR, read_image, write_image
from cdfi.video.writing.image_tags import ImageTags, read_tags

OnWarning = Callable[[str], None]


class Kept(NamedTuple):
    """Parts of the picture that are not interpolated.

    Attributes:
        hold: (1, H, W) in [0, 1], the weight of the nearest image; None for nothing.
        bars: whether black bars at the borders are kept as they are.
    """

    hold: Tensor | None = None
    bars: bool = True


def interpolate_images(
    first: str | Path,
    second: str | Path,
    target: str | Path,
    *,
    model: AnyModel | None = None,
    hold: Sequence[str] = (),
    black_bars: bool = True,
    overwrite: bool = False,
    on_warning: OnWarning | None = None,
) -> None:
    """Write the image half-way between two images of one size.

    It has the colour profile and the resolution of the first.

    Args:
        first: an image.
        second: another image of the same size.
        target: the image to write.
        model: as in :func:`interpolate_video`.
        hold: what is taken from the second image: boxes and masks, as in :class:`Options`.
        black_bars: keep black bars at the borders exactly as they are.
        overwrite: replace ``target`` if it exists.
        on_warning: called with a line for each thing that ``target`` cannot keep.

    Raises:
        OSError: as :func:`check_images`, or the image cannot be written.
        ValueError: as :func:`check_images`.
    """
    first, second, target = Path(first), Path(second), Path(target)
    left, right = check_images(first, second, target, overwrite=overwrite)
    interpolator = resolve_model(model)
    tags = [read_tags(path) for path in (first, second)]
    with operations_for_one_frame(interpolator, left.width, left.height):
        kept = Kept(image_mask(hold, left.width, left.height), black_bars)
        (middle,) = images_between(left, right, 2, interpolator, kept)
    lost = write_image(middle, target, tags[0])
    for line in image_losses([first, second], tags, target, lost):
        warn_of(on_warning, line)


def check_images(
    first: Path, second: Path, target: Path, *, overwrite: bool = False
) -> tuple[VideoFrame, VideoFrame]:
    """Return the two images that are to give ``target``.

    Raises:
        FileExistsError: ``target`` exists and ``overwrite`` is false.
        OSError: an image cannot be read.
        ValueError: the images are damaged, differ in size, or would be replaced.
    """
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, expected an image file's name")
    for source in (first, second):
        check_apart(source, target)
    resolve_output(target, overwrite)
    require_parent(target)
    return read_pair(first, second)


def image_losses(
    paths: Sequence[Path], tags: Sequence[ImageTags], target: Path, lost: Sequence[str]
) -> list[str]:
    """Return lines about what the result does not keep of its sources."""
    lines = [f"{target}: {paths[0].name} has a {what} that it does not keep" for what in lost]
    if len({tag.icc for tag in tags}) > 1:
        lines.append(
            f"{paths[0]} and {paths[1].name} differ in their colour profiles: colours are mixed "
            "as they are stored"
        )
    return lines


def warn_of(on_warning: OnWarning | None, line: str) -> None:
    """Call ``on_warning``, if there is one, with ``line``."""
    if on_warning is not None:
        on_warning(line)


def read_pair(first: Path, second: Path) -> tuple[VideoFrame, VideoFrame]:
    """Return two images, which must be of one size."""
    left, right = read_image(first), read_image(second)
    if (left.width, left.height) != (right.width, right.height):
        raise ValueError(
            f"{first} is {left.width} x {left.height} and {second} is {right.width} x "
            f"{right.height}: the images must be of one size"
        )
    return left, right


def _common(first: str, second: str) -> str:
    """Return the format of an image between two: in colour, deep, with alpha if one of them is."""
    if first == second:
        return first
    forms = layout(first), layout(second)
    coloured = any(form.family == "rgb" for form in forms)
    alpha, deep = any(form.alpha for form in forms), any(form.bits > 8 for form in forms)
    if coloured or alpha:
        return {(0, 0): "rgb24", (0, 1): "rgb48le", (1, 0): "rgba", (1, 1): "rgba64le"}[alpha, deep]
    return "gray16le" if deep else "gray"


def images_between(
    left: VideoFrame,
    right: VideoFrame,
    factor: int,
    interpolator: FrameInterpolator,
    kept: Kept,
) -> list[VideoFrame]:
    """Return the ``factor - 1`` images between two, in a format that keeps what either has."""
    if is_linear(left) and is_linear(right):
        return linear_between(left, right, factor, interpolator, kept.hold)
    form = _common(left.format.name, right.format.name)
    left, right = reformatted(left, form), reformatted(right, form)
    instants = [Instant(step, Fraction(step, factor)) for step in range(1, factor)]
    span = Span(
        SourceFrame(0, left), SourceFrame(factor, right), Kind.MOTION, instants, tolerance(factor)
    )
    converter = FormatConverter(form, form, COLOUR, left.width, left.height)
    renderer = Renderer(interpolator, converter, kept.hold, bars=kept.bars)
    return [picture.image for picture in renderer.frames(span)]
