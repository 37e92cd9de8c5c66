"""The settings of one server."""

from __future__ import annotations

import ipaddress
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

#: The command that a job runs; its arguments follow.
INTERPOLATE = (sys.executable, "-m", "cdfi.cli.main", "interpolate")
#: The process that reads media files and makes plans.
HELPER = (sys.executable, "-m", "cdfi.serve.helper")


@dataclass(frozen=True)
class ServeConfig:
    """The settings of one server.

    Attributes:
        data: folder of the uploads and jobs.
        root: folder whose files can be used where they are; None means none.
        host: address that the server listens on.
        token: secret that every request needs; None on a loopback address.
        most_bytes: of one upload.
        most_files: uploads that are kept at a time.
        most_jobs: jobs that are kept at a time.
        reserve: bytes of the disk that uploads leave free.
        parallel: jobs that run at a time.
        writes_per_second: of one client, without uploads' content; a burst may be six times that.
        interpolate: the command of a job.
        helper: the command of the helper process.
    """

    data: Path
    root: Path | None = None
    host: str = "127.0.0.1"
    token: str | None = None
    most_bytes: int = 1 << 40
    most_files: int = 500
    most_jobs: int = 500
    reserve: int = 256 << 20
    parallel: int = 1
    writes_per_second: float = 20.0
    interpolate: tuple[str, ...] = INTERPOLATE
    helper: tuple[str, ...] = HELPER

    @property
    def files(self) -> Path:
        """The folder of the uploads."""
        return self.data / "files"

    @property
    def jobs(self) -> Path:
        """The folder of the jobs."""
        return self.data / "jobs"

    def accepts_host(self, name: str) -> bool:
        """Return whether a request may name this server ``name`` (without a port).

        A page of another site can point its own domain at this machine (DNS rebinding). Such a
        request names that domain, so only known names are accepted.
        """
        name = name.strip("[]").lower().rstrip(".")
        if is_loopback(name):
            return True
        if self.token is None:
            return False
        return _is_address(name) or name in {self.host.lower(), socket.gethostname().lower()}


def is_loopback(host: str) -> bool:
    """Return whether ``host`` names this machine only."""
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
