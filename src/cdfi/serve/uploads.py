"""Uploaded files: written as they arrive, continued after a broken connection, kept on disk."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from cdfi.common.files import write_text
from cdfi.serve.answers import ApiError
from cdfi.serve.media_names import is_media, plain_name, suffix_of
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.stored_bodies import BodyWriters, PartFile

INFO, PART = "info.json", "part"


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    Attributes:
        id: random hexadecimal digits; the name of its folder.
        name: of the file on the user's computer; never used as a path.
        size: in bytes, of the whole file.
        created: when the upload began, in seconds since 1970.
        received: bytes that have arrived.
    """

    id: str
    name: str
    size: int
    created: float
    received: int = 0

    @property
    def complete(self) -> bool:
        """Whether all bytes have arrived."""
        return self.received == self.size

    def as_json(self) -> dict[str, object]:
        """Return the file as JSON values."""
        return {**asdict(self), "complete": self.complete}


class Uploads:
    """The uploads in the data folder."""

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        self._bodies = BodyWriters()
        config.files.mkdir(parents=True, exist_ok=True)

    def all(self) -> list[Upload]:
        """Return the uploads, the oldest first."""
        found = [self._read(path.name) for path in self.config.files.iterdir()]
        return sorted((one for one in found if one), key=lambda one: one.created)

    def get(self, upload_id: str) -> Upload:
        """Return the upload with an id.

        Raises:
            ApiError: there is none.
        """
        found = self._read(upload_id) if upload_id.isalnum() and upload_id.isascii() else None
        if found is None:
            raise ApiError(404, f"there is no uploaded file {upload_id!r}")
        return found

    def path(self, upload_id: str) -> Path:
        """Return where a complete upload lies.

        Raises:
            ApiError: there is none, or it is incomplete.
        """
        upload = self.get(upload_id)
        if not upload.complete:
            raise ApiError(409, f"{upload.name} has not arrived completely: continue its upload")
        return self._content(upload)

    def begin(self, name: str, size: int) -> Upload:
        """Create an upload of ``size`` bytes.

        Raises:
            ApiError: it is not a media file, or too large, or there are too many files.
        """
        try:
            name = plain_name(name)
        except ValueError as error:
            raise ApiError(400, str(error)) from None
        self._check(name, size)
        upload = Upload(secrets.token_hex(8), name, size, time.time())
        folder = self.config.files / upload.id
        folder.mkdir()
        (folder / PART).touch()
        write_text(
            folder / INFO, json.dumps({"name": name, "size": size, "created": upload.created})
        )
        return upload

    async def append(self, upload_id: str, offset: int, body: AsyncIterator[bytes]) -> Upload:
        """Write the bytes of ``body`` at ``offset``; a later call for the same upload wins.

        What has arrived stays, also if the connection breaks.

        Raises:
            ApiError: ``offset`` is not the number of bytes received, or the disk is full.
        """
        upload = self.get(upload_id)
        if offset != upload.received:
            raise ApiError(
                409, f"expected the bytes from {upload.received} on, got offset {offset}"
            )
        if upload.complete:
            return upload
        path = self.config.files / upload.id / PART
        part = PartFile(upload_id, upload.name, path, upload.size)
        await self._bodies.append(part, offset, body)
        finished: Upload = await run_in_threadpool(self._finish, upload)
        return finished

    def remove(self, upload_id: str) -> None:
        """Remove an upload and its file."""
        upload = self.get(upload_id)
        self._bodies.stop(upload_id)
        with suppress(OSError):
            (self.config.files / upload.id / INFO).unlink()
        shutil.rmtree(self.config.files / upload.id, ignore_errors=True)

    def _finish(self, upload: Upload) -> Upload:
        """Move a file that has arrived completely to its place."""
        folder = self.config.files / upload.id
        if (folder / PART).is_file() and (folder / PART).stat().st_size == upload.size:
            with (folder / PART).open("rb+") as file:
                os.fsync(file.fileno())
            (folder / PART).replace(self._content(upload))
        return self.get(upload.id)

    def _check(self, name: str, size: int) -> None:
        """Raise ApiError for an upload that is not accepted."""
        if not is_media(name):
            raise ApiError(415, f"{name}: expected a video or an image, such as .mp4, .mkv or .png")
        if not 0 < size <= self.config.most_bytes:
            limit = self.config.most_bytes
            raise ApiError(413, f"{name}: expected 1 to {limit} bytes, got {size}")
        free = shutil.disk_usage(self.config.files).free
        if size > free - self.config.reserve:
            raise ApiError(507, f"{name} needs {size} bytes, but only {free} are free on the disk")
        if len(self.all()) >= self.config.most_files:
            raise ApiError(409, "too many files: remove some that are not needed any more")

    def _content(self, upload: Upload) -> Path:
        return self.config.files / upload.id / f"source{suffix_of(upload.name)}"

    def _read(self, upload_id: str) -> Upload | None:
        """Return an upload from its folder; None if there is none."""
        folder = self.config.files / upload_id
        try:
            values = json.loads((folder / INFO).read_text(encoding="utf-8"))
            upload = Upload(upload_id, values["name"], values["size"], values["created"])
            content = self._content(upload)
            file = content if content.is_file() else folder / PART
            return Upload(upload.id, upload.name, upload.size, upload.created, file.stat().st_size)
        except (OSError, ValueError, KeyError, TypeError):
            return None
