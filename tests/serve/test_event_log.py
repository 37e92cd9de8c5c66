"""Server-sent events: in order, none lost, continued after a break."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from cdfi.serve.event_log import KEPT, EventLog


async def read(stream: AsyncIterator[bytes], count: int) -> list[tuple[str, str, object]]:
    """The id, the kind and the data of the next events."""
    found = []
    while len(found) < count:
        lines = (await asyncio.wait_for(anext(stream), 10)).decode().splitlines()
        values = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
        if "data" in values:
            found.append((values["id"], values["event"], json.loads(values["data"])))
    return found


def test_a_new_page_gets_a_snapshot_and_then_every_event() -> None:
    async def run() -> None:
        log = EventLog()
        log.add("job", 1)
        stream = log.follow("", lambda: "all")
        assert await read(stream, 1) == [(f"{log.run}-1", "snapshot", "all")]
        for number in (2, 3):
            log.add("job", number)
        assert [data for _, _, data in await read(stream, 2)] == [2, 3]

    asyncio.run(run())


def test_a_page_that_reconnects_gets_what_it_missed() -> None:
    async def run() -> None:
        log = EventLog()
        for number in range(1, 5):
            log.add("job", number)
        stream = log.follow(f"{log.run}-2", lambda: "all")
        assert [data for _, _, data in await read(stream, 2)] == [3, 4]

    asyncio.run(run())


@pytest.mark.parametrize("seen", ["{run}-0", "other-3", "{run}-9999999", "{run}-x", "nonsense"])
def test_a_page_that_missed_too_much_gets_a_snapshot(seen: str) -> None:
    async def run() -> None:
        log = EventLog()
        for number in range(KEPT + 1):
            log.add("job", number)
        stream = log.follow(seen.format(run=log.run), lambda: "all")
        assert [kind for _, kind, _ in await read(stream, 1)] == ["snapshot"]

    asyncio.run(run())


def test_a_closed_log_ends_its_streams() -> None:
    async def run() -> None:
        log = EventLog()
        stream = log.follow("", lambda: "all")
        await read(stream, 1)
        log.close()
        assert [event async for event in stream] == []

    asyncio.run(run())
