"""A folder as a zip file that is made while it is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHUNK = 1 << 20


class _Sink(io.RawIOBase):
    """A file that can only be written, whose content is taken out again."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def zip_stream(folder: Path, name: str) -> Iterator[bytes]:
    """Yield a zip file with the files of ``folder``, uncompressed, in a folder called ``name``."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            entry = zipfile.ZipInfo.from_file(path, f"{name}/{path.name}")
            with path.open("rb") as file, archive.open(entry, "w") as target:
                while chunk := file.read(CHUNK):
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()
