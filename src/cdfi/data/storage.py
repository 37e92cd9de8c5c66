"""The cache of decoded training data, under names that depend on the source files."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np


def folder_key(paths: Sequence[Path], *settings: str) -> str:
    """Return a short hash of settings and of the paths, sizes and dates of files."""
    digest = hashlib.sha256("\0".join(settings).encode())
    for path in paths:
        status = path.stat()
        digest.update(f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=256)  # each map may hold a file open, of which a process may have 1024
def mapped(path: Path) -> np.ndarray:
    """Return a ``.npy`` file as a read-only memory map, opened once per process.

    Data sets store paths, not maps: a memory map that is sent to a worker process is copied.

    Raises:
        ValueError: the file is damaged.
        OSError: it cannot be read.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}): delete it to decode it again") from error
    return array


def check_unreadable(failures: Sequence[str], total: int, kind: str) -> None:
    """Allow one unreadable file in a hundred.

    Raises:
        ValueError: more than that, or all, are unreadable.
    """
    if failures and (len(failures) > total / 100 or len(failures) == total):
        raise ValueError(
            f"{len(failures)} of {total} {kind} cannot be read (at most 1 % may be); first: "
            f"{failures[0]}. Remove or repair them"
        )
