"""The parts of a server that the endpoints use: uploads, root folder, queue, events, helper."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from typing import Any

from filelock import FileLock, Timeout

from cdfi.serve.answers import ApiError
from cdfi.serve.chosen_source import ChosenSource, Sources
from cdfi.serve.comparisons import Comparisons
from cdfi.serve.event_log import EventLog
from cdfi.serve.helper_client import HelperClient
from cdfi.serve.job_queue import JobQueue
from cdfi.serve.root_folder import RootFolder
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.uploads import Uploads


class Service:
    """The parts of one server. It owns its data folder until it is closed.

    Raises:
        BlockingIOError: another server uses the data folder.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        config.data.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(
            config.data / "lock", timeout=0, is_singleton=False, thread_local=False
        )
        try:
            self._lock.acquire()
        except Timeout:
            raise BlockingIOError(
                f"{config.data} is used by another server: stop it, or give another --data"
            ) from None
        self.cache = config.data / "cache"
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir(exist_ok=True)
        self.events = EventLog()
        self.uploads = Uploads(config)
        self.root = RootFolder(config.root)
        self.sources = Sources(self.uploads, self.root)
        self.queue = JobQueue(config, self.events)
        self.helper = HelperClient(config.helper, config.data)
        self._player = HelperClient(config.helper, config.data)
        self.comparisons = Comparisons(self.cache, self._player)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run jobs."""
        self._task = asyncio.create_task(self.queue.run())

    async def close(self) -> None:
        """Stop jobs and helper, and end the event streams."""
        self.events.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.queue.close()
        await self.helper.close()
        await self._player.close()
        self._lock.release()

    async def ask(self, source: ChosenSource, method: str, **values: Any) -> Any:
        """Return the answer of the helper about a source; errors use the user's names of files."""
        try:
            return await self.helper.ask(method, **values)
        except ApiError as error:
            text = str(error)
            for path, name in zip(source.paths, source.names):
                text = text.replace(str(path), name)
            raise ApiError(error.status, text) from None
