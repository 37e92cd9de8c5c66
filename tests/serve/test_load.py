"""The server under load: 50 event streams and a large upload in little memory, no event lost."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

if os.environ.get("CDFI_WEB") != "1":
    pytest.skip("takes a minute and disk space: run make test-web", allow_module_level=True)
pytest.importorskip("starlette", reason="needs the extra web: pip install 'cdfi[web]'")
httpx = pytest.importorskip("httpx2", reason="needs httpx2")

from tests.serve.server_process import run_server

STREAMS = 50
UPLOAD = int(os.environ.get("CDFI_UPLOAD", 2 << 30))  # bytes
PIECE = 1 << 20
MOST_MEMORY = 120 << 20


async def zeros(count: int) -> AsyncIterator[bytes]:
    for _ in range(count // PIECE):
        yield bytes(PIECE)


async def event_numbers(client: "httpx.AsyncClient", last: str) -> list[int]:
    """The numbers of the events of a stream until the job called ``last`` is done."""
    numbers: list[int] = []
    async with client.stream("GET", "/api/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                numbers.append(int(line.rpartition("-")[2]))
            if line.startswith("data: {"):
                job = json.loads(line[6:])
                if job.get("name") == last and job.get("state") == "done":
                    return numbers
    raise AssertionError("the stream ended before the job")


async def follow_memory(process: psutil.Process, found: list[int]) -> None:
    while True:
        found.append(process.memory_info().rss)
        await asyncio.sleep(0.05)


async def load(url: str, process: psutil.Process) -> tuple[list[list[int]], list[int]]:
    limits = httpx.Limits(max_connections=STREAMS + 10)
    memory: list[int] = []
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=600) as client:
        watcher = asyncio.create_task(follow_memory(process, memory))
        streams = [asyncio.create_task(event_numbers(client, "last.mp4")) for _ in range(STREAMS)]
        large = client.post(f"/api/files?name=large.mp4&size={UPLOAD}", content=zeros(UPLOAD))
        uploading = asyncio.create_task(large)
        for name in ("first.mp4", "last.mp4"):
            small = await client.post(f"/api/files?name={name}", content=b"a video")
            body = {"source": {"files": [small.json()["id"]]}}
            assert (await client.post("/api/jobs", json=body)).status_code == 201
        answer = await uploading
        assert answer.json()["complete"], answer.text
        numbers = await asyncio.wait_for(asyncio.gather(*streams), 120)
        watcher.cancel()
    return numbers, memory


def test_50_streams_and_a_large_upload(tmp_path: Path) -> None:
    with run_server(tmp_path, stub="busy") as server:
        process = psutil.Process(server.process.pid)
        numbers, memory = asyncio.run(load(server.url, process))
    assert max(memory) < MOST_MEMORY, f"{max(memory) >> 20} MiB"
    for stream in numbers:
        assert stream == [*range(stream[0], stream[-1] + 1)]
    assert {stream[-1] for stream in numbers} == {numbers[0][-1]}
