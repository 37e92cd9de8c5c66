"""The API for workers on other machines: jobs, sources, claims, finished segments."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from cdfi.serve.answers import ApiError, answer, read_json
from cdfi.serve.service import Service
from cdfi.serve.shared_jobs import (
    SharedJob,
    SharedJobs,
    begin_part,
    checked_number,
    checked_worker,
    finish_segment,
    part_file,
)
from cdfi.serve.stored_bodies import BodyWriters, PartFile
from cdfi.video.remote.work_protocol import JOBS, VERSION

MOST_RECORD = 1 << 24  # bytes of a segment's record, which holds the time of each frame


class WorkApi:
    """The endpoints of workers."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.jobs = SharedJobs(service.queue)
        self._bodies = BodyWriters()

    def routes(self) -> list[Route]:
        """Return the routes."""
        job, segment = f"{JOBS}/{{id}}", f"{JOBS}/{{id}}/segments/{{number}}"
        return [
            Route(JOBS, self.list, methods=["GET"]),
            Route(job, self.show, methods=["GET"]),
            Route(f"{job}/source", self.source, methods=["GET"]),
            Route(f"{job}/claims", self.claims, methods=["GET"]),
            Route(f"{job}/claims", self.take, methods=["POST"]),
            Route(f"{job}/claims", self.touch, methods=["PUT"]),
            Route(f"{job}/claims", self.give_up, methods=["DELETE"]),
            Route(segment, self.received, methods=["GET"]),
            Route(segment, self.append, methods=["PATCH"]),
            Route(segment, self.finish, methods=["PUT"]),
        ]

    async def list(self, request: Request) -> Response:
        """Return the jobs that need workers, and the version of this API."""
        jobs = await run_in_threadpool(lambda: [job.listed() for job in self.jobs.all()])
        return answer({"protocol": VERSION, "version": version("cdfi"), "jobs": jobs})

    async def show(self, request: Request) -> Response:
        """Return what a worker needs to know about a job."""
        return answer(self._job(request).described())

    async def source(self, request: Request) -> Response:
        """Return the video of a job, parts of it for a request with a range."""
        return FileResponse(self._job(request).source, media_type="application/octet-stream")

    async def claims(self, request: Request) -> Response:
        """Return the finished segments of a job, and the claims on the others."""
        return answer(await run_in_threadpool(self.jobs.state, self._job(request)))

    async def take(self, request: Request) -> Response:
        """Claim a segment for a worker."""
        job, values = self._job(request), await read_json(request)
        return answer({"taken": await run_in_threadpool(self.jobs.take, job, values)})

    async def touch(self, request: Request) -> Response:
        """Keep the claims of a worker, which otherwise are lost after a minute."""
        job, values = self._job(request), await read_json(request)
        await run_in_threadpool(self.jobs.touch, job, values)
        return answer({})

    async def give_up(self, request: Request) -> Response:
        """Give up the claims of a worker on a segment."""
        job, query = self._job(request), request.query_params
        number = checked_number(job, query.get("number"))
        await run_in_threadpool(self.jobs.give_up, job, query.get("worker", ""), number)
        return answer({})

    async def received(self, request: Request) -> Response:
        """Return how many bytes of a worker's segment have arrived."""
        return answer({"received": _size(self._part(request))})

    async def append(self, request: Request) -> Response:
        """Add bytes to a worker's segment."""
        part = self._part(request)
        await run_in_threadpool(begin_part, part.path, self.service.config.reserve)
        offset = request.query_params.get("offset", "")
        if offset != str(_size(part)):
            raise ApiError(409, f"expected the bytes from {_size(part)} on, got offset {offset}")
        with suppress(ClientDisconnect):  # what has arrived is kept
            await self._bodies.append(part, int(offset), request.stream())
        return answer({"received": _size(part)})

    async def finish(self, request: Request) -> Response:
        """Verify a worker's segment by its digest, and accept it."""
        job, number, worker = self._segment(request)
        values = await read_json(request, MOST_RECORD)
        self._bodies.stop(self._part(request).key)
        await run_in_threadpool(finish_segment, job, number, worker, values)
        return answer({})

    def _job(self, request: Request) -> SharedJob:
        return self.jobs.get(request.path_params["id"])

    def _segment(self, request: Request) -> tuple[SharedJob, int, str]:
        job = self._job(request)
        number = checked_number(job, request.path_params["number"])
        return job, number, checked_worker(request.query_params.get("worker"))

    def _part(self, request: Request) -> PartFile:
        job, number, worker = self._segment(request)
        path = part_file(job, number, worker)
        return PartFile(str(path), f"segment {number}", path, self.service.config.most_bytes)


def _size(part: PartFile) -> Any:
    return part.path.stat().st_size if part.path.is_file() else 0
