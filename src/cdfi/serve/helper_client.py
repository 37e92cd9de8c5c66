"""Send requests to the helper process, which reads media files and makes plans."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

from cdfi.serve.answers import ApiError

IDLE = 120.0  # seconds after which an unused helper is stopped: it holds PyTorch in memory
PATIENCE = 180.0  # seconds that one request may take
LONGEST_LINE = 1 << 24  # bytes of an answer


class HelperClient:
    """One helper process, started when it is needed."""

    def __init__(self, command: tuple[str, ...], folder: Path) -> None:
        self.command, self.folder = command, folder
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, method: str, **values: Any) -> Any:
        """Return the answer of the helper's function ``method`` to ``values``.

        Raises:
            ApiError: the function failed, or the helper died.
        """
        async with self._lock:
            self._cancel_stop()
            try:
                line = await asyncio.wait_for(self._exchange(method, values), PATIENCE)
            except (OSError, ValueError, asyncio.TimeoutError):
                line = b""
            except BaseException:  # the answer to this request must not be taken for the next one's
                self._kill()
                raise
            if not line:
                self._kill()
                raise ApiError(500, "the file could not be read: the helper process stopped")
            self._stop_later()
        found = json.loads(line)
        if "error" in found:
            raise ApiError(422, str(found["error"]))
        return found["result"]

    async def close(self) -> None:
        """Stop the helper, and wait until it has ended."""
        self._cancel_stop()
        process = self._process
        self._kill()
        if process is not None:
            await process.communicate()

    async def _exchange(self, method: str, values: dict[str, Any]) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=self.folder,
                limit=LONGEST_LINE,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"method": method, "values": values}).encode() + b"\n")
        await process.stdin.drain()
        return await process.stdout.readline()

    def _cancel_stop(self) -> None:
        if self._idle is not None:
            self._idle.cancel()

    def _stop_later(self) -> None:
        """Stop the process if it is not used for a while."""
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._kill)

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._process = None
