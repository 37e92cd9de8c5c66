"""A server of jobs on a socket of this process; its jobs are planned by tests."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra web: pip install 'cdfi[web]'")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra web: pip install 'cdfi[web]'")

from cdfi.serve.app import build_app
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.server import listen, url_of
from cdfi.serve.stored_job import StoredJob
from cdfi.video.work import work

TOKEN = "token-of-the-test"


@dataclass
class ServedJobs:
    """A server that can be stopped and started again on the same port."""

    data: Path
    reserve: int = 0
    port: int = 0
    jobs: list[StoredJob] = field(default_factory=list)

    def start(self) -> None:
        config = ServeConfig(self.data, token=TOKEN, reserve=self.reserve)
        listener = listen("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        self.url = url_of(config, self.port)
        app = build_app(config)
        self.service: Any = app.state.service
        self.service.queue.jobs |= {job.id: job for job in self.jobs}
        settings = uvicorn.Config(app, http="httptools", lifespan="off", log_level="critical")
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.server.run, args=([listener],), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(30)
        self.service._lock.release()

    def offer(self, source: Path, target: Path) -> StoredJob:
        """Offer a job that another process has planned."""
        job = StoredJob(
            id=f"job{len(self.jobs)}",
            name=source.name,
            kind="video",
            inputs=[str(source)],
            names=[source.name],
            target=str(target),
            download=target.name,
            options={},
            created=0.0,
            order=float(len(self.jobs)),
            state="running",
        )
        self.jobs.append(job)
        self.service.queue.jobs[job.id] = job
        return job


@contextmanager
def serving(data: Path, **settings: Any):
    server = ServedJobs(data, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def refused(words, *, match):
    with pytest.raises((ValueError, OSError), match=match) as found:
        work(words, exit_when_idle=True)
    assert "\n" not in str(found.value)
