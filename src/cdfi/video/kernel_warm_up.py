"""Compile the kernels that a model and usual videos need, before the first job."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cdfi.common.compilation import watch_compilation
from cdfi.video.jobs.model import AnyModel, resolve_model
from cdfi.video.jobs.renderer import Renderer
from cdfi.video.pixels.colour import Colour
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.pixels.formats import blank_frame
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
            left, right = (SourceFrame(pts, blank_frame(SIDE, SIDE, pix_fmt)) for pts in (0, 2))
            middle = [Instant(1, HALF)]
            for _ in renderer.frames(Span(left, right, Kind.MOTION, middle, tolerance(1))):
                pass
    return compiled
