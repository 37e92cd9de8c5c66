"""JSON files that carry the digest of their content, so that damage is found."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHUNK = 1 << 20
ENDS = 1 << 20  # bytes of a source file's start and end that its fingerprint covers


def seal(content: object) -> str:
    """Return the SHA-256 of ``content``, which consists of JSON values."""
    return text_digest(json.dumps(content, sort_keys=True))


def sealed_json(content: object, indent: int | None = None) -> str:
    """Return ``content`` with its digest, as JSON text for :func:`read_sealed`."""
    return json.dumps({"content": content, "sha256": seal(content)}, indent=indent)


def read_sealed(path: Path) -> Any:
    """Return the content of a file of :func:`sealed_json`; None if it is missing or damaged."""
    if not is_plain(path):
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        content = found["content"]
        return content if found["sha256"] == seal(content) else None
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def is_plain(path: Path) -> bool:
    """Return whether ``path`` is a regular file, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def text_digest(text: str) -> str:
    """Return the SHA-256 of ``text`` in UTF-8."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def file_fingerprint(path: Path) -> str:
    """Return a digest of a file's size and of its first and last MiB."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(ENDS))
        file.seek(max(size - ENDS, 0))
        digest.update(file.read(ENDS))
    return digest.hexdigest()


def differing(found: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """Return the names of the entries that differ between two mappings."""
    return sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
