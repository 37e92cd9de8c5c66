"""A server in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class RunningServer:
    """A server process."""

    url: str
    process: "subprocess.Popen[str]"

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def run_server(
    data: Path, *, port: int = 0, root: Path | None = None, stub: str | None = None
) -> Iterator[RunningServer]:
    """Run a server; ``stub`` is the mode of its stub jobs, None runs real ones."""
    command = [sys.executable, str(HERE / "stub_server.py"), str(data), str(port)]
    command += ["--root", str(root)] if root else []
    command += [] if stub is None else ["--stub"]
    environment = os.environ if stub is None else {**os.environ, "STUB_MODE": stub}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    server = RunningServer(process.stdout.readline().strip(), process)
    assert server.url.startswith("http://"), "the server did not start"
    try:
        yield server
    finally:
        process.send_signal(2)
        process.wait(30)
