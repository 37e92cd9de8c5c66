"""Compile the kernels that a model and usual videos need into the cache, ahead of the first job."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from av.video.frame import VideoFrame

from cdfi.common.compilation import watch_compilation
from cdfi.video.jobs.model import AnyModel, resolve_model
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.pixels.colour import Colour
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.spans import Kind, Span
from cdfi.video.timing.timeline import Instant, tolerance

HALF = Fraction(1, 2)
SIDE = 64  # pixels of the trial's frames
#: Samples of 8 and of more bits; the kernels are the same for all subsamplings.
PIXEL_FORMATS = ("yuv420p", "yuv420p10le")


def warm_up(
    model: AnyModel | None = None, *, pixel_formats: Sequence[str] = PIXEL_FORMATS
) -> list[str]:
    """Interpolate a tiny frame, so that every kernel that a job needs is in the cache afterwards.

    Args:
        model: as in :func:`interpolate_video`.
        pixel_formats: of the videos to come.

    Returns:
        The names of the functions that were compiled now; those in the cache are left out.

    Raises:
        OSError, ValueError: there is no such model or device.
    """
    compiled: list[str] = []
    with watch_compilation(compiled.append):
        interpolator = resolve_model(model)
        for pix_fmt in pixel_formats:
            converter = FormatConverter(pix_fmt, pix_fmt, Colour(), SIDE, SIDE)
            renderer = Renderer(interpolator, converter)
            images = [_blank(pix_fmt) for _ in range(2)]
            left, right = (SourceFrame(pts, image) for pts, image in zip((0, 2), images))
            middle = [Instant(1, HALF)]
            for _ in renderer.frames(Span(left, right, Kind.MOTION, middle, tolerance(1))):
                pass
    return compiled


def _blank(pix_fmt: str) -> VideoFrame:
    """Return a frame whose samples are all 0."""
    image = VideoFrame(SIDE, SIDE, pix_fmt)
    for plane in image.planes:
        plane.update(bytes(plane.buffer_size))
    return image
