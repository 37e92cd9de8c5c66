"""Requests that tests send to a server; importing this skips tests without the extra ``web``."""

import time
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra web: pip install 'cdfi[web]'")
pytest.importorskip("httpx2", reason="Starlette's test client needs httpx2")

from starlette.testclient import TestClient

from cdfi.serve.api_description import ANSWERS, BODIES, QUERIES, text_of
from cdfi.serve.job_queue import JobQueue
from cdfi.serve.page_files import FOLDER
from cdfi.serve.serve_config import ServeConfig

__all__ = ["ANSWERS", "BODIES", "FOLDER", "QUERIES", "JobQueue", "TestClient", "text_of"]
DEADLINE = 20.0  # seconds


def upload(client: TestClient, content: bytes = b"video", name: str = "clip.mp4") -> str:
    answer = client.post(f"/api/files?name={name}", content=content)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def start_job(client: TestClient, content: bytes = b"video", **options: Any) -> str:
    body = {"source": {"files": [upload(client, content)]}, "options": options}
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def wait_for(client: TestClient, job: str, *states: str) -> dict[str, Any]:
    """Return the job as soon as it is in one of ``states``."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"/api/jobs/{job}").json()
        if found["state"] in states:
            return found
        time.sleep(0.01)
    raise AssertionError(f"job is {found}, expected {states}")


def queue_of(client: TestClient) -> JobQueue:
    queue = client.app.state.service.queue
    assert isinstance(queue, JobQueue)
    return queue


def let_go(config: ServeConfig, job: str) -> None:
    """Let a waiting stub job continue."""
    (config.jobs / job / "go").touch()
