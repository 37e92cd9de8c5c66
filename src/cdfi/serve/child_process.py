"""The process of a job. It writes to files, so that it can outlive the server that started it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_WINDOWS = os.name == "nt"
SAME = 1.0  # seconds within which two starting times are of one process


@dataclass
class ChildProcess:
    """A process and its group.

    Attributes:
        pid: its number.
        created: when it began, in seconds since 1970.
        popen: the handle, if this server started it; else None.
    """

    pid: int
    created: float
    popen: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, command: Sequence[str], folder: Path, out: Path, err: Path) -> ChildProcess:
        """Run ``command`` in ``folder``, in a process group of its own.

        Raises:
            OSError: it cannot be started.
        """
        with out.open("wb") as stdout, err.open("wb") as stderr:
            popen = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=not _WINDOWS,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        with suppress(psutil.Error):
            return cls(popen.pid, psutil.Process(popen.pid).create_time(), popen)
        return cls(popen.pid, 0.0, popen)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        if self.popen is not None:
            return self.popen.poll() is None
        try:
            process = psutil.Process(self.pid)
            known = abs(process.create_time() - self.created) < SAME
            return bool(known and process.status() != psutil.STATUS_ZOMBIE)
        except (psutil.Error, ValueError):  # psutil raises ValueError for a negative number
            return False

    @property
    def code(self) -> int | None:
        """Its exit status, negative for a signal; None if it runs, or if it is not our child."""
        return None if self.popen is None else self.popen.poll()

    def interrupt(self) -> None:
        """Stop it as Ctrl-C would: finished segments stay."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Stop it at once."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _signal(self, number: int) -> None:
        if not self.running:
            return
        with suppress(OSError, psutil.Error):
            if _WINDOWS:
                psutil.Process(self.pid).terminate()
            else:
                os.killpg(self.pid, number)
