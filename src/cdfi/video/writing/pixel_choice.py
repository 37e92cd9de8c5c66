"""Choose the encoder's pixel format, and name what it loses of the source."""

from __future__ import annotations

from av.codec import Codec
from av.video.format import VideoFormat

from cdfi.video.pixels.formats import SAME_SAMPLES, SEMI_PLANAR, Layout, layout
from cdfi.video.writing.codecs import CodecRow

LEAST_BITS = 4  # per sample; formats of fewer are used with a fixed palette
SAMPLING = {(0, 0): "4:4:4", (1, 0): "4:2:2", (1, 1): "4:2:0", (0, 1): "4:4:0", (2, 0): "4:1:1"}


def candidates(row: CodecRow, source: str) -> list[str]:
    """Return the pixel formats of an encoder that frames can be converted to.

    Those that lose least of the format ``source`` come first. An encoder may list formats that it
    cannot open: try them in this order.

    Raises:
        ValueError: there is no such format.
    """
    form = layout(source)
    if row.pix_fmt:
        return [row.alpha_pix_fmt if form.alpha and row.alpha_pix_fmt else row.pix_fmt]
    listed = (
        list(row.formats)
        or [fmt.name for fmt in Codec(row.encoder, "w").video_formats or []]
        or ["yuv420p"]
    )
    usable = [name for name in listed if _exact(name) is not None and not name.startswith("yuvj")]
    if not usable:
        raise ValueError(f"encoder {row.encoder} takes no pixel format that can be written here")
    return sorted(usable, key=lambda name: _loss(form, layout(SEMI_PLANAR.get(name, name))))


def even_size(row: CodecRow, pix_fmt: str, width: int, height: int) -> tuple[int, int]:
    """Return the size to encode: that of the source, or larger if chroma has to divide it."""
    form = _exact(pix_fmt)
    if form is None or not row.even:
        return width, height
    across, down = (1 << shift for shift in form.shifts)
    return -(-width // across) * across, -(-height // down) * down


def picture_losses(source: str, target: str) -> list[str]:
    """Return what the format ``target`` loses of ``source``, a clause for each loss."""
    form, other = layout(source), _exact(target, SAME_SAMPLES)
    stored = VideoFormat(target, 64, 64)
    bits = min(part.bits for part in stored.components)
    if other is None or stored.has_palette or bits < LEAST_BITS:
        return ["colours are reduced to a palette of 256"]
    sampling = SAMPLING.get(other.shifts, "a lower resolution")
    lost = [
        (form.alpha and not other.alpha, f"the alpha channel is lost: {target} has none"),
        (form.family != "gray" and other.family == "gray", "colours become grey"),
        (form.bits > bits, f"{form.bits} bits per sample become {bits}"),
        (
            form.family != "gray" and any(o > s for s, o in zip(form.shifts, other.shifts)),
            f"chroma is reduced from {SAMPLING.get(form.shifts, 'its resolution')} to {sampling}",
        ),
    ]
    return [text for happens, text in lost if happens]


def _exact(name: str, known: dict[str, str] = SEMI_PLANAR) -> Layout | None:
    """Return the layout of the samples in format ``name``; None if it is not supported."""
    try:
        return layout(known.get(name, name))
    except ValueError:
        return None


def _loss(source: Layout, other: Layout) -> tuple[int, ...]:
    """Return what ``other`` loses of ``source``, worst first, then how much it wastes."""
    across, down = (s - o for s, o in zip(source.shifts, other.shifts))
    return (
        int(source.name != other.name),
        int(source.family != "gray" and other.family == "gray"),
        int(source.alpha and not other.alpha),
        int(source.family == "rgb" and other.family != "rgb") * 2 * (other.shifts != (0, 0)),
        max(source.bits - other.bits, 0),
        max(-across, 0) + max(-down, 0),
        int(source.family != other.family),
        max(other.bits - source.bits, 0),
        max(across, 0) + max(down, 0),
        int(other.alpha and not source.alpha),
    )
