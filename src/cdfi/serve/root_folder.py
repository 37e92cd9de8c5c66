"""The folder whose files can be used without an upload; paths outside it are refused."""

from __future__ import annotations

import os
from pathlib import Path

from cdfi.common.paths import natural
from cdfi.serve.answers import ApiError
from cdfi.serve.media_names import IMAGES, is_media, suffix_of

MOST_ENTRIES = 5000  # of a folder that is listed


class RootFolder:
    """A folder below which files are named by relative paths with slashes."""

    def __init__(self, path: Path | None) -> None:
        self._given = path
        self._real = None if path is None else Path(os.path.realpath(path))

    def resolve(self, name: str) -> Path:
        """Return the real path of the file or folder ``name`` below the root.

        Raises:
            ApiError: it does not exist, or it lies outside, also by a link.
        """
        if self._real is None:
            raise ApiError(404, "the server was started without --root")
        parts = name.split("/") if name else []
        if "\0" in name or "\\" in name or any(part in ("", ".", "..") for part in parts):
            raise ApiError(400, f"{name!r} is not a path below the root folder")
        if any(part.startswith(".") for part in parts):
            raise ApiError(404, f"{name} does not exist")
        found = Path(os.path.realpath(self._real.joinpath(*parts)))
        if found != self._real and self._real not in found.parents:
            raise ApiError(403, f"{name} leads out of the root folder")
        if not found.exists():
            raise ApiError(404, f"{name} does not exist")
        return found

    def list(self, name: str) -> list[dict[str, object]]:
        """Return the folders and media files of a folder: folders first, in natural order.

        Raises:
            ApiError: as :meth:`resolve`, or it is not a folder that can be read.
        """
        folder = self.resolve(name)
        try:
            names = [entry.name for entry in os.scandir(folder)]
        except OSError as error:
            raise ApiError(403, f"{name or 'the root folder'}: {error.strerror}") from None
        rows = []
        for one in sorted(names, key=lambda text: natural(Path(text)))[:MOST_ENTRIES]:
            row = None if one.startswith(".") else self._row(f"{name}/{one}" if name else one)
            if row is not None:
                rows.append(row)
        return sorted(rows, key=lambda row: row["kind"] != "folder")

    def _row(self, name: str) -> dict[str, object] | None:
        """Return an entry of a folder, or None if it cannot be used."""
        try:
            path = self.resolve(name)
            size = path.stat().st_size
        except (ApiError, OSError):
            return None
        entry = {"name": name.rpartition("/")[2], "path": name}
        if path.is_dir():
            return {**entry, "kind": "folder"}
        if not path.is_file() or not is_media(path.name):
            return None
        kind = "image" if suffix_of(path.name) in IMAGES else "video"
        return {**entry, "kind": kind, "size": size}
