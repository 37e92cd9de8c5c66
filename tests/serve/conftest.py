"""A server on stub processes, and requests to it."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from cdfi.serve.serve_config import ServeConfig

HERE = Path(__file__).parent
URL = "http://127.0.0.1:8377"


@pytest.fixture
def config(tmp_path: Path) -> "ServeConfig":
    from cdfi.serve.serve_config import ServeConfig

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
    config: "ServeConfig", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., "TestClient"]]:
    """Start servers, with changes of the configuration; the last one is stopped at the end."""
    from starlette.testclient import TestClient

    from cdfi.serve.app import build_app

    monkeypatch.setattr("cdfi.serve.job_queue.INTERVAL", 0.02)
    running: list[TestClient] = []

    def start(**changes: Any) -> "TestClient":
        while running:
            running.pop().__exit__(None, None, None)
        client = TestClient(build_app(replace(config, **changes)), base_url=URL)
        running.append(client.__enter__())
        return client

    yield start
    while running:
        running.pop().__exit__(None, None, None)


@pytest.fixture
def client(serve: Callable[..., "TestClient"]) -> "TestClient":
    return serve()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from tests.serve.browser import CHROMIUM, FLAGS, playwright

    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
