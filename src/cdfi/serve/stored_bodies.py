"""Bodies of requests that are written to files as they arrive, in constant memory."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from cdfi.serve.answers import ApiError

BUFFER = 1 << 20  # bytes that are written at a time


@dataclass(frozen=True)
class PartFile:
    """A file that arrives in pieces.

    Attributes:
        key: only the newest request with this key may write.
        name: shown to users.
        path: of the file, which exists.
        size: bytes that it may have.
    """

    key: str
    name: str
    path: Path
    size: int


class BodyWriters:
    """Writes bodies to files.

    If a client continues after a broken connection, its old request may still be running: it must
    not write any more.
    """

    def __init__(self) -> None:
        self._writers: dict[str, object] = {}  # key -> the request that may write

    async def append(self, part: PartFile, offset: int, body: AsyncIterator[bytes]) -> None:
        """Write the bytes of ``body`` at ``offset``; what has arrived stays.

        Raises:
            ApiError: there are too many bytes, the disk is full, or a later request took over.
        """
        writer = self._writers[part.key] = object()
        try:
            await self._write(part, offset, body, writer)
        finally:
            if self._writers.get(part.key) is writer:
                del self._writers[part.key]

    def stop(self, key: str) -> None:
        """Let no request with this key write any more."""
        self._writers.pop(key, None)

    async def _write(
        self, part: PartFile, offset: int, body: AsyncIterator[bytes], writer: object
    ) -> None:
        buffer = bytearray()
        with part.path.open("r+b", buffering=0) as file:
            file.seek(offset)
            try:
                async for chunk in body:
                    self._check(part, offset + len(buffer) + len(chunk), writer)
                    buffer += chunk
                    if len(buffer) >= BUFFER:
                        offset += await run_in_threadpool(_write_all, file.fileno(), buffer)
                        buffer = bytearray()
            finally:
                if buffer and self._writers.get(part.key) is writer:
                    _write_all(file.fileno(), buffer)

    def _check(self, part: PartFile, end: int, writer: object) -> None:
        if self._writers.get(part.key) is not writer:
            raise ApiError(409, f"another request continued the upload of {part.name}")
        if end > part.size:
            raise ApiError(413, f"{part.name} is longer than the {part.size} bytes announced")


def _write_all(file: int, buffer: bytearray) -> int:
    """Write a buffer, and return its length.

    Raises:
        ApiError: the disk is full.
    """
    view = memoryview(buffer)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ApiError(507, "no space left on the disk: free some, then continue") from None
    return len(buffer)
