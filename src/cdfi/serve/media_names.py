"""Names of media files: the accepted suffixes, and the names of downloads."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

from cdfi.common.image_numbers import STILLS, STREAMS
from cdfi.common.image_numbers import VIDEOS as VIDEO_FILES

VIDEOS = frozenset((*VIDEO_FILES, *STREAMS, ".gif", ".h264", ".264", ".hevc", ".265"))
IMAGES = frozenset(STILLS) - {".tga"}
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".zip": "application/zip",
}
LONGEST = 120  # characters of a name
_ODD = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def plain_name(text: str) -> str:
    """Return the last part of a name from a user, without characters that file systems refuse.

    Raises:
        ValueError: nothing is left of it.
    """
    last = unicodedata.normalize("NFC", text).replace("\\", "/").rpartition("/")[2]
    name = _ODD.sub("_", last).strip(" .")
    name = "".join(letter for letter in name if letter.isprintable())
    if not name:
        raise ValueError(f"expected the name of a file, got {text[:LONGEST]!r}")
    suffix = suffix_of(name)
    return name if len(name) <= LONGEST else name[: LONGEST - len(suffix)] + suffix


def suffix_of(name: str) -> str:
    """Return the suffix of ``name``, in lower case."""
    return PurePosixPath(name).suffix.lower()


def is_media(name: str) -> bool:
    """Return whether ``name`` has the suffix of a video or an image."""
    return suffix_of(name) in VIDEOS | IMAGES


def content_type(name: str) -> str:
    """Return the type of a file that is sent to a browser."""
    return CONTENT_TYPES.get(suffix_of(name), "application/octet-stream")


def attachment(name: str) -> str:
    """Return the header that lets a browser save an answer under ``name``."""
    return f"attachment; filename*=utf-8''{quote(name, safe='')}"
