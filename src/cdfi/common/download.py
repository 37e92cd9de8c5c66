"""Download a file: resume an interrupted transfer, check the digest, write atomically."""

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from filelock import FileLock

from cdfi.common.cache import cache_folder
from cdfi.common.files import file_sha256
from cdfi.common.progress import Progress

CHUNK = 1 << 20
TIMEOUT = 30.0
ATTEMPTS = 3
PASSING = (429, 502, 503, 504)  # answers of a server that is busy, or that is being started


def fetch(
    url: str,
    path: Path,
    *,
    size: int | None = None,
    git_blob: str | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
    headers: Mapping[str, str] | None = None,
) -> Path:
    r"""Download ``url`` to ``path``, unless a file with the right digest exists already.

    Data is written to ``path`` + ".part", which a later call resumes. It is renamed to ``path`` if
    all checks pass; a part that fails a check is removed. If another process downloads the same
    file, the call waits for it.

    Args:
        url: an http or https address.
        path: of the file; its folder is created if it is missing.
        size: bytes expected.
        git_blob: SHA-1 of the file as a git object, ``sha1(b"blob %d\0" % size + content)``.
        sha256: SHA-256 of the file.
        progress: called with the bytes received and the total.
        headers: of the request, such as an authorization.

    Returns:
        ``path``.

    Raises:
        ValueError: the address is not http or https, or the file is not the expected one.
        ConnectionError: the server cannot be reached, is busy, or closes the connection.
        OSError: the server refuses the request, or the disk is full.
    """
    expected = (size, git_blob, sha256)
    if _is_complete(path, *expected):
        return path
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"expected an http or https address, got {url}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with download_lock(path):
        if not _is_complete(path, *expected):
            _transfer(url, part, size, progress, headers or {})
            _keep(url, part, path, *expected)
    return path


def download_lock(path: Path) -> FileLock:
    """Return the lock of those who download to ``path``, in the user's cache folder.

    Beside ``path`` it would be left behind, as a lock cannot be removed safely.
    """
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock")


def git_blob_sha1(path: Path) -> str:
    """Return the SHA-1 that git gives the file as an object."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _is_complete(path: Path, size: int | None, blob: str | None, sha256: str | None) -> bool:
    return path.is_file() and _mismatch(path, size, blob, sha256) is None


def _keep(
    url: str, part: Path, path: Path, size: int | None, blob: str | None, sha256: str | None
) -> None:
    """Rename a downloaded part to ``path``; remove it and raise ValueError if it is wrong."""
    if problem := _mismatch(part, size, blob, sha256):
        part.unlink()
        raise ValueError(f"{url} sent {problem}; the file was not kept. Try again later.")
    part.replace(path)


def _mismatch(path: Path, size: int | None, blob: str | None, sha256: str | None) -> str | None:
    """Describe how the file differs from what was expected; None if it does not."""
    actual = path.stat().st_size
    if size is not None and actual != size:
        return f"{actual} bytes instead of {size}"
    if blob and (found := git_blob_sha1(path)) != blob:
        return f"a file of git object {found} instead of {blob}"
    if sha256 and (found := file_sha256(path)) != sha256:
        return f"a file of SHA-256 {found} instead of {sha256}"
    return None


def _transfer(
    url: str,
    part: Path,
    size: int | None,
    progress: Progress | None,
    headers: Mapping[str, str],
) -> None:
    """Complete ``part``, with several attempts if the connection fails."""
    for attempt in range(1, ATTEMPTS + 1):
        before = part.stat().st_size if part.exists() else 0
        if size is not None and before > size:
            part.unlink()
        try:
            _continue(url, part, progress, headers)
            return
        except urllib.error.HTTPError as error:
            kind = ConnectionError if error.code in PASSING else OSError
            raise kind(f"{url}: the server answered {error.code} {error.reason}") from error
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            if attempt == ATTEMPTS:
                reason = getattr(error, "reason", error)
                kept = part.stat().st_size if part.exists() else 0
                raise ConnectionError(
                    f"{url}: {reason} ({kept} bytes are kept; run the same command again to resume)"
                ) from error


def _continue(
    url: str, part: Path, progress: Progress | None, more_headers: Mapping[str, str]
) -> None:
    """Append the rest of ``url`` to ``part``; start again if the server cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "cdfi", **more_headers} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        reply = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT
        )
    except urllib.error.HTTPError as error:
        if error.code == 416:  # no bytes are left: the part is complete, or wrong
            return
        raise
    with reply:
        resumed = reply.status == 206
        length = reply.headers.get("Content-Length")
        total = int(length) + (have if resumed else 0) if length else None
        _require_space(part, total, have if resumed else 0)
        with part.open("ab" if resumed else "wb") as file:
            _copy(reply, file, total, progress)


def _copy(reply: Any, file: IO[bytes], total: int | None, progress: Progress | None) -> None:
    """Append a reply to a file, and check that it is complete."""
    while block := reply.read(CHUNK):
        file.write(block)
        if progress:
            progress(file.tell(), total)
    if total is not None and file.tell() < total:
        raise ConnectionError(f"the connection was closed at {file.tell()} of {total} bytes")


def _require_space(part: Path, total: int | None, have: int) -> None:
    """Raise OSError if the disk has too little space for the rest of the file."""
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - have > free:
        raise OSError(
            f"{part.parent} has {free / 1e9:.1f} GB free, {(total - have) / 1e9:.1f} GB are needed"
        )
