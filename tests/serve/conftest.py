"""A server on stub processes, and requests to it."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra web: pip install 'cdfi[web]'")
pytest.importorskip("httpx2", reason="Starlette's test client needs httpx2")

from starlette.testclient import TestClient

from cdfi.serve import job_queue
from cdfi.serve.app import build_app
from cdfi.serve.serve_config import ServeConfig

HERE = Path(__file__).parent
URL = "http://127.0.0.1:8377"
DEADLINE = 20.0  # seconds


@pytest.fixture
def config(tmp_path: Path) -> ServeConfig:
    root = tmp_path / "root"
    root.mkdir()
    return ServeConfig(
        data=tmp_path / "data",
        root=root,
        interpolate=(sys.executable, str(HERE / "stub_interpolate.py")),
        helper=(sys.executable, str(HERE / "stub_helper.py")),
        writes_per_second=1000.0,
    )


@pytest.fixture
def serve(
    config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TestClient]]:
    """Start servers, with changes of the configuration; the last one is stopped at the end."""
    monkeypatch.setattr(job_queue, "INTERVAL", 0.02)
    running: list[TestClient] = []

    def start(**changes: Any) -> TestClient:
        while running:
            running.pop().__exit__(None, None, None)
        client = TestClient(build_app(replace(config, **changes)), base_url=URL)
        running.append(client.__enter__())
        return client

    yield start
    while running:
        running.pop().__exit__(None, None, None)


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()


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
    """The job once it is in one of ``states``."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"/api/jobs/{job}").json()
        if found["state"] in states:
            return found
        time.sleep(0.01)
    raise AssertionError(f"job is {found}, expected {states}")
