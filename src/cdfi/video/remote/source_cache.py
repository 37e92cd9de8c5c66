"""The cache of a worker at servers: sources, and folders that stand for jobs."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock

from cdfi.common.cache import cache_folder

KEEP = 7 * 86400.0  # seconds for which unused files stay; used ones are touched every ten seconds


def sources_folder() -> Path:
    """Return the folder of the sources, which are named by their fingerprints."""
    return cache_folder() / "sources"


def jobs_folder() -> Path:
    """Return the folder that has a folder for each worker, with the jobs it knows."""
    return cache_folder() / "served"


def source_lock(path: Path, timeout: float = -1) -> BaseFileLock:
    """Return a lock that a process holds while it fetches, checks or removes a source.

    Sources whose fingerprints begin with the same digit share one. Lock files are never removed: a
    process that waits for a removed one would not exclude those that create it again.
    """
    return FileLock(path.with_name(f"lock-{path.name[0]}"), timeout=timeout)


def remove_unused() -> None:
    """Remove sources and folders of jobs that no worker has used for a week."""
    for path in sources_folder().glob("[0-9a-f]*"):
        with suppress(OSError), source_lock(path, timeout=0):  # one in use may stay
            if _is_unused(path):
                path.unlink()
    for path in jobs_folder().glob("*"):
        with suppress(OSError):  # another worker may remove it at the same time
            if _is_unused(path):
                shutil.rmtree(path)


def _is_unused(path: Path) -> bool:
    return path.lstat().st_mtime < time.time() - KEEP
