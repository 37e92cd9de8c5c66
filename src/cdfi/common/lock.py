"""A lock that one process holds on a folder, and that ends with the process however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(folder: Path, what: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, which serves the making of ``what``.

    Raises BlockingIOError, naming the other process, while another one holds it. The operating
    system frees the lock when its holder dies, so a killed run leaves nothing to clean up.
    """
    path = folder / "lock"
    with path.open("a+") as file:
        if not _take(file):
            file.seek(0)
            raise BlockingIOError(
                f"{what} is being made by another run (process {file.read().strip() or '?'}): "
                "wait for it or stop it"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str]) -> bool:
        """Lock a byte far behind the text, so that others can still read the process's number."""
        file.seek(1 << 20)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

else:
    import fcntl

    def _take(file: IO[str]) -> bool:
        """Lock the whole file."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
