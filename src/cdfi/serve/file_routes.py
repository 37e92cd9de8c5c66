"""The API of files: uploads, the root folder, facts and pictures of a file."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from cdfi.serve.answers import ApiError, answer
from cdfi.serve.chosen_source import ChosenSource
from cdfi.serve.service import Service

MOST_PICTURES = 500  # thumbnails and frames that are kept
STRIP = 14.0  # width to height of a strip of thumbnails


class FileApi:
    """The endpoints of files."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/files", self.list, methods=["GET"]),
            Route("/api/files", self.create, methods=["POST"]),
            Route("/api/files/{id}", self.show, methods=["GET"]),
            Route("/api/files/{id}", self.append, methods=["PATCH"]),
            Route("/api/files/{id}", self.remove, methods=["DELETE"]),
            Route("/api/browse", self.browse, methods=["GET"]),
            Route("/api/facts", self.facts, methods=["GET"]),
            Route("/api/thumbnails", self.thumbnails, methods=["GET"]),
            Route("/api/still", self.still, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        """Return the uploads."""
        return answer([one.as_json() for one in self.service.uploads.all()])

    async def create(self, request: Request) -> Response:
        """Begin an upload; the body may hold its first bytes, or all of them."""
        query = request.query_params
        size = query.get("size") or request.headers.get("content-length", "")
        if not (size.isascii() and size.isdecimal() and len(size) < 20):
            raise ApiError(411, "expected the size of the file in bytes: size=N")
        upload = self.service.uploads.begin(query.get("name", ""), int(size))
        return await self._append(request, upload.id, 0, 201)

    async def show(self, request: Request) -> Response:
        """Return how much of an upload has arrived."""
        return answer(self.service.uploads.get(request.path_params["id"]).as_json())

    async def append(self, request: Request) -> Response:
        """Continue an upload at an offset."""
        offset = request.query_params.get("offset", "")
        if not (offset.isascii() and offset.isdecimal() and len(offset) < 20):
            raise ApiError(400, "expected the number of bytes that have arrived: offset=N")
        return await self._append(request, request.path_params["id"], int(offset), 200)

    async def remove(self, request: Request) -> Response:
        """Remove an upload; jobs that use it keep their own link to it."""
        await run_in_threadpool(self.service.uploads.remove, request.path_params["id"])
        return answer({})

    async def browse(self, request: Request) -> Response:
        """Return the entries of a folder below the root."""
        path = request.query_params.get("path", "")
        return answer(await run_in_threadpool(self.service.root.list, path))

    async def facts(self, request: Request) -> Response:
        """Return what the reader finds in a source."""
        source = self._source(request)
        paths = [str(path) for path in source.paths]
        found = await self.service.ask(source, "facts", paths=paths)
        if source.kind != "video":
            found["count"] = (
                found["count"] if source.kind == "folder" and not source.uploaded else len(paths)
            )
        return answer({"name": source.name, **found, "kind": source.kind})

    async def thumbnails(self, request: Request) -> Response:
        """Return pictures of a video side by side in one JPEG."""
        return await self._picture(request, "thumbnails", {"ratio": STRIP})

    async def still(self, request: Request) -> Response:
        """Return the frame at a time, or an image, as a JPEG."""
        try:
            seconds = float(request.query_params.get("at", "0"))
        except ValueError:
            raise ApiError(400, "expected a time in seconds: at=1.5") from None
        if not 0 <= seconds < 1e7:
            raise ApiError(400, "expected a time in seconds: at=1.5")
        return await self._picture(request, "still", {"seconds": round(seconds, 3)})

    async def _append(self, request: Request, upload_id: str, offset: int, status: int) -> Response:
        try:
            upload = await self.service.uploads.append(upload_id, offset, request.stream())
        except ClientDisconnect:
            upload = self.service.uploads.get(upload_id)  # what has arrived is kept
        return answer(upload.as_json(), status)

    def _source(self, request: Request) -> ChosenSource:
        query = request.query_params
        files, paths = query.getlist("file"), query.getlist("path")
        if bool(files) == bool(paths):
            raise ApiError(400, "expected a source: file=ID or path=PATH")
        return self.service.sources.find({"files": files} if files else {"paths": paths})

    async def _picture(self, request: Request, method: str, values: dict[str, float]) -> Response:
        """Return a picture from the cache, or from the helper."""
        source = self._source(request)
        path = source.paths[0]
        if path.is_dir():
            raise ApiError(400, "a folder has no picture of its own: name an image")
        status = path.stat()
        key = f"{path} {status.st_size} {status.st_mtime_ns} {method} {sorted(values.items())}"
        cached = self.service.cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.jpg"
        if not cached.is_file():
            await self.service.ask(source, method, path=str(path), target=str(cached), **values)
            await run_in_threadpool(_prune, self.service.cache)
        return _jpeg(cached)


def _prune(folder: Path) -> None:
    """Remove the oldest pictures if there are too many."""
    with suppress(FileNotFoundError):  # another request removes pictures at the same time
        pictures = sorted(folder.glob("*.jpg"), key=lambda path: path.stat().st_mtime)
        for path in pictures[:-MOST_PICTURES]:
            path.unlink(missing_ok=True)


def _jpeg(path: Path) -> Response:
    return FileResponse(
        path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"}
    )
