"""Options of the encoders: defaults, HDR10 metadata, and what the user asked for."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction

from cdfi.video.reading.source import Source
from cdfi.video.writing.codecs import CodecRow

LOCATION = "chroma_sample_location"
QUIET = {"libx265": ("x265-params", "log-level=none")}
#: x265 4.1 writes outside its memory if its assembly gets frames smaller than a block.
SMALLEST_X265, WITHOUT_ASSEMBLY = 96, "no-asm=1"
#: The option of each encoder that takes HDR10 metadata.
HDR_OPTIONS = {
    "libx264": "x264-params",
    "libx265": "x265-params",
    "libsvtav1": "svtav1-params",
}


def encoder_options(row: CodecRow, source: Source, asked: Mapping[str, str]) -> dict[str, str]:
    """Return the encoder's options.

    They are the row's defaults, the source's chroma location and HDR10 metadata, then ``asked``.
    """
    options = dict(row.options)
    if source.colour.location != "unspecified":
        options[LOCATION] = source.colour.location
    key, parts = _hdr_parts(row.encoder, source)
    if row.encoder in QUIET:
        key, quiet = QUIET[row.encoder]
        small = min(source.width, source.height) < SMALLEST_X265
        parts = [quiet, *([WITHOUT_ASSEMBLY] if small else []), *parts]
    own = {name: value for name, value in asked.items() if name != key}
    if key in asked:
        parts.append(asked[key])
    if parts:
        options[key] = ":".join(parts)
    return options | own


def _hdr_parts(encoder: str, source: Source) -> tuple[str, list[str]]:
    """Return the option that carries HDR10 metadata, and its parts."""
    key = HDR_OPTIONS.get(encoder, "")
    if not key:
        return "", []
    parts = []
    if source.mastering:
        parts.append(_mastering(encoder, source.mastering))
    if source.light:
        content, average = struct.unpack("=II", source.light[:8])
        name = {"libx264": "cll", "libx265": "max-cll"}.get(encoder, "content-light")
        parts.append(f"{name}={content},{average}")
    return key, parts


def _mastering(encoder: str, data: bytes) -> str:
    """Return a mastering display in the encoder's syntax.

    Args:
        encoder: its name.
        data: libav's AVMasteringDisplayMetadata: red, green, blue and white (x, y), then the
            least and greatest luminance, as pairs of integers.
    """
    pairs = struct.unpack("=20i", data[:80])
    values = [Fraction(num, den or 1) for num, den in zip(pairs[::2], pairs[1::2])]
    integer = encoder != "libsvtav1"  # the others count in steps of 0.00002 and 0.0001
    chroma = [str(round(v * 50000)) if integer else f"{float(v):.5f}" for v in values[:8]]
    light = [str(round(v * 10000)) if integer else f"{float(v):.4f}" for v in values[8:]]
    red, green, blue, white = (f"({x},{y})" for x, y in zip(chroma[::2], chroma[1::2]))
    name = "master-display" if encoder == "libx265" else "mastering-display"
    return f"{name}=G{green}B{blue}R{red}WP{white}L({light[1]},{light[0]})"
