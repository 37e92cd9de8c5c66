"""The queue: starts the processes of jobs in order, follows them, and records how they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cdfi.serve.answers import ApiError
from cdfi.serve.child_process import ChildProcess
from cdfi.serve.event_log import EventLog
from cdfi.serve.job_command import command_of, is_in_the_way, shown_command
from cdfi.serve.job_ending import (
    describe_end,
    discard_work,
    kept_frames,
    read_report,
    readable,
)
from cdfi.serve.job_log import JobLog
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.stored_job import ACTIVE, JobFolder, StoredJob

INTERVAL = 0.25  # seconds between two looks at running jobs
PATIENCE = 20.0  # seconds that a process has to stop by itself
#: Attributes of a job that the page shows.
SHOWN = """
    id name kind download options created order preview in_place state kept message started finished
"""
UNFINISHED = ("cancelled", "failed", "interrupted")


class JobQueue:
    """All jobs. Its methods belong to the event loop's thread."""

    def __init__(self, config: ServeConfig, events: EventLog) -> None:
        self.config, self.events = config, events
        self.folder = JobFolder(config.jobs)
        self.jobs = {job.id: job for job in self.folder.load()}
        self._processes: dict[str, ChildProcess] = {}
        self._logs: dict[str, JobLog] = {}
        self._stops: dict[str, float] = {}  # id -> when its process is killed
        self._wake = asyncio.Event()
        self._adopt()

    async def run(self) -> None:
        """Start and follow jobs, until cancelled."""
        while True:
            self._wake.clear()
            for job in [job for job in self.jobs.values() if job.state in ACTIVE]:
                self._follow(job)
            self._start_next()
            timeout = INTERVAL if self._processes else None
            try:
                await asyncio.wait_for(self._wake.wait(), timeout)
            except asyncio.TimeoutError:
                continue

    def all(self) -> list[dict[str, Any]]:
        """Return all jobs as JSON values, in their order."""
        return [self.view(job) for job in sorted(self.jobs.values(), key=lambda job: job.order)]

    def get(self, job_id: str) -> StoredJob:
        """Return the job with an id.

        Raises:
            ApiError: there is none.
        """
        if job_id not in self.jobs:
            raise ApiError(404, f"there is no job {job_id!r}")
        return self.jobs[job_id]

    def view(self, job: StoredJob) -> dict[str, Any]:
        """Return what the page shows of a job."""
        log = self._logs.get(job.id)
        values = {name: getattr(job, name) for name in SHOWN.split()}
        return {
            **values,
            "command": shown_command(job),
            "done": log.done if log else None,
            "total": log.total if log else None,
            "rate": log.rate if log and job.state == "running" else None,
            "seconds_left": log.seconds_left if log and job.state == "running" else None,
            "frames": job.report.get("frames"),
            "interpolated": job.report.get("interpolated"),
            "warnings": [readable(line, job) for line in job.report.get("warnings", [])],
            "live": _changed_at(self.folder.live(job)) if job.state == "running" else None,
            "size": _size(Path(job.target)) if job.state == "done" else None,
        }

    def add(self, job: StoredJob, prepare: Callable[[Path], None]) -> StoredJob:
        """Add a job at the end of the queue; a preview comes first.

        Args:
            job: a new one; its order is set here.
            prepare: puts files into the job's folder before the job is recorded.

        Raises:
            ApiError: there are too many jobs, or the disk is full.
        """
        if len(self.jobs) >= self.config.most_jobs:
            raise ApiError(409, "too many jobs: remove some that are not needed any more")
        orders = [other.order for other in self.jobs.values()] or [0.0]
        job.order = min(orders) - 1 if job.preview else max(orders) + 1
        folder = self.folder.of(job)
        try:
            folder.mkdir()
            prepare(folder)
            self.folder.save(job)
        except OSError as error:
            self.folder.remove(job)
            reason = error.strerror or str(error)
            raise ApiError(507, f"the job cannot be recorded: {reason}") from None
        self.jobs[job.id] = job
        self._changed(job)
        return job

    def cancel(self, job: StoredJob) -> None:
        """Stop a job; its finished segments stay.

        Raises:
            ApiError: it has ended.
        """
        if job.state == "queued":
            job.state = "cancelled"
        elif job.state == "running":
            job.state = "cancelling"
            self._stops[job.id] = time.monotonic() + PATIENCE
            self._processes[job.id].interrupt()
        elif job.state != "cancelling":
            raise ApiError(409, f"{job.name} is not running: it is {job.state}")
        self._changed(job)

    def resume(self, job: StoredJob, *, fresh: bool) -> None:
        """Put a job that did not finish into the queue again.

        Args:
            job: the job.
            fresh: discard its finished segments, and replace a result in place.

        Raises:
            ApiError: it is waiting, running or done.
        """
        if job.state not in UNFINISHED and not (fresh and job.state == "done"):
            raise ApiError(409, f"{job.name} cannot be continued: it is {job.state}")
        if fresh and is_in_the_way(job):
            raise ApiError(409, f"{job.download} exists beside the source: rename it or remove it")
        job.state, job.message, job.report = "queued", "", {}
        job.fresh = fresh
        self._changed(job)

    def move(self, job: StoredJob, before: StoredJob | None) -> None:
        """Move a job before another one, or to the end of the queue."""
        others = sorted(one.order for one in self.jobs.values() if one is not job)
        if before is None:
            job.order = (others[-1] if others else 0) + 1
        elif before is not job:
            lower = [order for order in others if order < before.order]
            job.order = (lower[-1] + before.order) / 2 if lower else before.order - 1
        self._changed(job)

    def remove(self, job: StoredJob) -> None:
        """Remove a job and its files.

        Raises:
            ApiError: it is running.
        """
        if job.state in ACTIVE:
            raise ApiError(409, f"{job.name} is running: cancel it first")
        del self.jobs[job.id]
        self._logs.pop(job.id, None)
        if job.in_place:
            discard_work(job)
        self.folder.remove(job)
        self.events.add("removed", {"id": job.id})

    async def close(self) -> None:
        """Stop all processes; their jobs are offered again after the next start."""
        for process in self._processes.values():
            process.interrupt()
        end = time.monotonic() + PATIENCE
        while any(one.running for one in self._processes.values()) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        for process in self._processes.values():
            process.kill()
        for job in self.jobs.values():
            if job.state in ACTIVE:
                self._end(job, "cancelled" if job.state == "cancelling" else "interrupted")

    def _adopt(self) -> None:
        """Follow the processes that an earlier server left running."""
        for job in self.jobs.values():
            self._logs[job.id] = JobLog(self.folder.log(job))
            self._logs[job.id].finish()
            if job.state in ACTIVE:
                self._processes[job.id] = ChildProcess(job.pid or -1, job.pid_created or 0.0)
                self._stops[job.id] = time.monotonic() + PATIENCE
                if job.state == "cancelling":
                    self._processes[job.id].interrupt()

    def _start_next(self) -> None:
        """Start the jobs that are next, as many as may run at a time."""
        queued = sorted(
            (job for job in self.jobs.values() if job.state == "queued"), key=lambda job: job.order
        )
        for job in queued[: max(self.config.parallel - len(self._processes), 0)]:
            self._start(job)

    def _start(self, job: StoredJob) -> None:
        folder = self.folder
        command = command_of(job, self.config)
        job.started, job.finished, job.state = time.time(), None, "running"
        job.report, job.message = {}, ""
        try:
            process = ChildProcess.start(
                command, folder.of(job), folder.report(job), folder.log(job)
            )
        except OSError as error:
            job.message = f"the process could not be started: {error}"
            self._end(job, "failed")
            return
        job.pid, job.pid_created = process.pid, process.created
        self._processes[job.id] = process
        self._logs[job.id] = JobLog(folder.log(job))
        self._changed(job)

    def _follow(self, job: StoredJob) -> None:
        """Read what a running job wrote, and record its end."""
        process, log = self._processes[job.id], self._logs[job.id]
        running = process.running  # before the log is read: nothing is missed
        if running:
            if log.update():
                self.events.add("job", self.view(job))
            if job.state == "cancelling" and time.monotonic() > self._stops[job.id]:
                process.kill()
            return
        log.finish()
        job.report = read_report(self.folder.report(job))
        state, message = describe_end(job, process.code, log)
        job.message = readable(message, job)
        self._end(job, state)

    def _end(self, job: StoredJob, state: Any) -> None:
        job.state, job.finished, job.pid = state, time.time(), None
        job.kept = 0 if state == "done" else kept_frames(job)
        job.fresh = job.fresh and not job.kept
        self._processes.pop(job.id, None)
        self._stops.pop(job.id, None)
        self._changed(job)

    def _changed(self, job: StoredJob) -> None:
        with suppress(OSError):  # a full disk must not stop the queue
            self.folder.save(job)
        self.events.add("job", self.view(job))
        self._wake.set()


def _size(path: Path) -> int | None:
    """Return the size of a result in bytes; None for a folder or a missing file."""
    return path.stat().st_size if path.is_file() else None


def _changed_at(path: Path) -> int | None:
    """Return when a file was last changed, in nanoseconds; None if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
