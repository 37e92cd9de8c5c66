"""Find out whether a file has its picture cropped by players, which libav does not report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SEARCHED = 1 << 22  # bytes at the beginning and at the end of a file
TRACKS = b"\x16\x54\xae\x6b"  # Matroska's element, which editors may move to the end
EBML = b"\x1a\x45\xdf\xa3"
#: Matroska: the elements that lead to the picture's crop, and those that hold it.
PARENTS = (0x18538067, 0x1654AE6B, 0xAE, 0xE0)  # Segment, Tracks, TrackEntry, Video
CROPS = (0x54AA, 0x54BB, 0x54CC, 0x54DD)  # PixelCropBottom, -Top, -Left, -Right
CLAP = b"clap"  # MP4's clean aperture box, of eight 32-bit integers
CLAP_SIZE = 40


def has_crop(path: Path) -> bool:
    """Return whether the Matroska or MP4 file at ``path`` crops the picture of a video track."""
    if not path.is_file():  # numbered images
        return False
    with path.open("rb") as file:
        head = file.read(SEARCHED)
        file.seek(max(path.stat().st_size - SEARCHED, len(head)))
        tail = file.read()
    if head.startswith(EBML):
        values = [*_crops(head), *_crops(tail[max(tail.find(TRACKS), 0) :])]
        return any(int.from_bytes(value, "big") > 0 for value in values)
    return any(CLAP_SIZE.to_bytes(4, "big") + CLAP in part for part in (head, tail))


def _crops(data: bytes) -> Iterator[bytes]:
    """Yield the values of the crop elements in the beginning of a Matroska file."""
    position = 0
    while position < len(data):
        try:
            kind, position = _number(data, position, keep_marker=True)
            size, position = _number(data, position, keep_marker=False)
        except (IndexError, ValueError):
            return
        if kind in CROPS:
            yield data[position : position + size]
        if kind not in PARENTS:
            position += size


def _number(data: bytes, position: int, keep_marker: bool) -> tuple[int, int]:
    """Return the EBML number at ``position``, and the position after it."""
    first = data[position]
    length = 9 - first.bit_length()
    if length > 8:
        raise ValueError("not an EBML number")
    value = int.from_bytes(data[position : position + length], "big")
    return value if keep_marker else value & ((1 << 7 * length) - 1), position + length
