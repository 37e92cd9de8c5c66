"""The colour profile and the resolution of image files."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

#: What each of Pillow's formats holds.
HOLDS = {
    "PNG": ("icc", "dpi"),
    "JPEG": ("icc", "dpi"),
    "TIFF": ("icc", "dpi"),
    "WEBP": ("icc",),
    "BMP": ("dpi",),
}
NAMES = {"icc": "colour profile", "dpi": "resolution"}
SPACES = {"rgb": b"RGB ", "gray": b"GRAY"}  # in the header of an ICC profile
METRE = 10000  # tenths of a millimetre
INCH = 254
UNTAGGED = (".dpx", ".exr")  # formats of film that Pillow does not read


@dataclass(frozen=True)
class ImageTags:
    """An image's colour profile, and its pixels per inch (across, down); None where unknown."""

    icc: bytes | None = None
    dpi: tuple[float, float] | None = None

    def lost(self, form: str, family: str) -> list[str]:
        """Return what a file cannot keep.

        Args:
            form: of the file, as Pillow calls it.
            family: of its pixels, rgb or gray; a profile of other colours does not describe them.
        """
        kept = self.kept(form, family)
        return [
            name for key, name in NAMES.items() if getattr(self, key) and not getattr(kept, key)
        ]

    def kept(self, form: str, family: str) -> ImageTags:
        """Return what a file keeps; the arguments are those of :meth:`lost`."""
        held = HOLDS.get(form, ())
        fits = self.icc is not None and self.icc[16:20] == SPACES[family]
        return ImageTags(
            self.icc if fits and "icc" in held else None, self.dpi if "dpi" in held else None
        )

    def as_pillow(self) -> dict[str, Any]:
        """Return the arguments of Pillow's ``save``."""
        given = {"icc_profile": self.icc, "dpi": self.dpi}
        return {key: value for key, value in given.items() if value is not None}


def read_tags(path: Path) -> ImageTags:
    """Return the tags of the readable image at ``path``."""
    if path.suffix.lower() in UNTAGGED:
        return ImageTags()
    with Image.open(path) as opened:
        opened.load()  # PNG's may follow the pixels
        icc, dpi = opened.info.get("icc_profile"), opened.info.get("dpi")
    try:
        resolution = (float(dpi[0]), float(dpi[1])) if dpi else None
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        resolution = None
    # TIFF stores an unknown resolution as 1.
    is_known = resolution is not None and all(1 < value < 1e6 for value in resolution)
    return ImageTags(
        icc if isinstance(icc, bytes) and len(icc) >= 128 else None,
        resolution if is_known else None,
    )


def with_png_tags(data: bytes, tags: ImageTags) -> bytes:
    """Return the PNG file ``data`` with ``tags`` after its header."""
    chunks = []
    if tags.icc is not None:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(tags.icc)))
    if tags.dpi is not None:
        across, down = (round(value * METRE / INCH) for value in tags.dpi)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    header = 8 + 25  # the signature and IHDR
    return b"".join((data[:header], *chunks, data[header:]))


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def with_tiff_tags(data: bytes, tags: ImageTags) -> bytes:
    """Return the TIFF file ``data`` with ``tags`` in a new directory at its end."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries = {
        struct.unpack_from(f"{order}H", data, at)[0]: data[at : at + 12]
        for at in range(start + 2, start + 2 + 12 * count, 12)
    }
    body = bytearray(data + bytes(len(data) % 2))

    def append(content: bytes) -> int:
        at = len(body)
        body.extend(content + bytes(len(content) % 2))
        return at

    if tags.icc is not None:
        entries[34675] = struct.pack(f"{order}HHII", 34675, 7, len(tags.icc), append(tags.icc))
    if tags.dpi is not None:
        for tag, value in zip((282, 283), tags.dpi):
            entries[tag] = struct.pack(f"{order}HHII", tag, 5, 1, append(_rational(order, value)))
        entries[296] = struct.pack(f"{order}HHIHH", 296, 3, 1, 2, 0)  # inches
    directory = struct.pack(f"{order}H", len(entries))
    directory += b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    struct.pack_into(f"{order}I", body, 4, append(directory))
    return bytes(body)


def _rational(order: str, value: float) -> bytes:
    exact = Fraction(value).limit_denominator(10000)
    return struct.pack(f"{order}II", exact.numerator, exact.denominator)
