"""The API of jobs: plan, start, stop, order, result, comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from cdfi.serve.answers import ApiError, answer, read_json
from cdfi.serve.chosen_source import ChosenSource
from cdfi.serve.job_command import new_job
from cdfi.serve.media_names import attachment, content_type
from cdfi.serve.service import Service
from cdfi.serve.stored_job import StoredJob
from cdfi.serve.zip_stream import zip_stream


class JobApi:
    """The endpoints of jobs."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/plan", self.plan, methods=["POST"]),
            Route("/api/jobs", self.list, methods=["GET"]),
            Route("/api/jobs", self.create, methods=["POST"]),
            Route("/api/jobs/{id}", self.show, methods=["GET"]),
            Route("/api/jobs/{id}", self.remove, methods=["DELETE"]),
            Route("/api/jobs/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/api/jobs/{id}/resume", self.resume, methods=["POST"]),
            Route("/api/jobs/{id}/retry", self.retry, methods=["POST"]),
            Route("/api/jobs/{id}/move", self.move, methods=["POST"]),
            Route("/api/jobs/{id}/live", self.live, methods=["GET"]),
            Route("/api/jobs/{id}/result", self.result, methods=["GET"]),
            Route("/api/jobs/{id}/compare", self.compare, methods=["GET"]),
            Route("/api/jobs/{id}/compare.mp4", self.compare_video, methods=["GET"]),
            Route("/api/events", self.events, methods=["GET"]),
        ]

    async def plan(self, request: Request) -> Response:
        """Return what a job would do, without doing it."""
        source, job, _ = await self._requested(request)
        paths = [str(path) for path in source.paths]
        if source.kind == "folder" and source.uploaded:
            factor = int(job.options.get("factor", 2))
            frames = (len(paths) - 1) * factor + 1
            return answer({"frames": frames, "source_frames": len(paths), "losses": []})
        target = str(self.service.cache / job.download)
        values = {"kind": job.kind, "inputs": paths, "target": target, "options": job.options}
        return answer(await self.service.ask(source, "plan", **values))

    async def list(self, request: Request) -> Response:
        """Return all jobs in their order."""
        return answer(self.service.queue.all())

    async def create(self, request: Request) -> Response:
        """Put a job into the queue."""
        _, job, prepare = await self._requested(request)
        return self._answer(self.service.queue.add(job, prepare), 201)

    async def show(self, request: Request) -> Response:
        """Return a job."""
        return self._answer(self._job(request))

    async def remove(self, request: Request) -> Response:
        """Remove a job with its result; a result in place stays."""
        self.service.queue.remove(self._job(request))
        return answer({})

    async def cancel(self, request: Request) -> Response:
        """Stop a job; finished segments stay."""
        job = self._job(request)
        self.service.queue.cancel(job)
        return self._answer(job)

    async def resume(self, request: Request) -> Response:
        """Continue a job that stopped."""
        job = self._job(request)
        self.service.queue.resume(job, fresh=False)
        return self._answer(job)

    async def retry(self, request: Request) -> Response:
        """Run a job again from its first frame."""
        job = self._job(request)
        self.service.queue.resume(job, fresh=True)
        return self._answer(job)

    async def move(self, request: Request) -> Response:
        """Move a job before another one, or to the end."""
        job = self._job(request)
        before = (await read_json(request)).get("before")
        queue = self.service.queue
        queue.move(job, None if before is None else queue.get(str(before)))
        return self._answer(job)

    async def live(self, request: Request) -> Response:
        """Return a picture of the newest interpolated frame between its source frames."""
        path = self.service.queue.folder.live(self._job(request))
        if not path.is_file():
            raise ApiError(404, "there is no interpolated frame yet")
        return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    async def result(self, request: Request) -> Response:
        """Return the result, parts of it for a request with a range; a folder as a zip file."""
        job = self._finished(request)
        target, name = Path(job.target), job.download
        if target.is_dir():
            headers = {"Content-Disposition": attachment(f"{name}.zip")}
            stream = zip_stream(target, name)
            return StreamingResponse(stream, media_type="application/zip", headers=headers)
        return FileResponse(target, media_type=content_type(name), filename=name)

    async def compare(self, request: Request) -> Response:
        """Return the times of a comparison video, after making it if it is not there."""
        job = self._finished(request)
        return answer(await self.service.comparisons.of(job, _start(request)))

    async def compare_video(self, request: Request) -> Response:
        """Return the comparison video, which the request for its times creates."""
        path = self.service.comparisons.video(self._finished(request), _start(request))
        if not path.is_file():
            raise ApiError(404, "there is no such comparison: request its times first")
        return FileResponse(path, media_type="video/mp4")

    async def events(self, request: Request) -> Response:
        """Return the stream of events of all jobs."""
        seen = request.headers.get("last-event-id", "")
        stream = self.service.events.follow(seen, self.service.queue.all)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _requested(self, request: Request) -> tuple[ChosenSource, StoredJob, Any]:
        """Return the source and the job that a request describes."""
        values = await read_json(request)
        if unknown := {*values} - {"source", "options", "in_place", "preview"}:
            raise ApiError(400, f"unknown field {sorted(unknown)[0]!r} of a job")
        source = self.service.sources.find(values.get("source"))
        options = values.get("options", {})
        in_place, preview = values.get("in_place", False), values.get("preview", False)
        switches = all(isinstance(value, bool) for value in (in_place, preview))
        if not isinstance(options, dict) or not switches:
            raise ApiError(400, "expected an object for options, true or false for other fields")
        job, prepare = new_job(source, options, self.service.config, in_place=in_place)
        job.preview = preview
        return source, job, prepare

    def _job(self, request: Request) -> StoredJob:
        return self.service.queue.get(request.path_params["id"])

    def _finished(self, request: Request) -> StoredJob:
        job = self._job(request)
        if job.state != "done":
            raise ApiError(409, f"{job.name} is not done: it is {job.state}")
        return job

    def _answer(self, job: StoredJob, status: int = 200) -> Response:
        return answer(self.service.queue.view(job), status)


def _start(request: Request) -> int:
    """Return the whole second at which a comparison starts."""
    text = request.query_params.get("start", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise ApiError(400, "expected the second at which the comparison starts: start=10")
    return int(text)
