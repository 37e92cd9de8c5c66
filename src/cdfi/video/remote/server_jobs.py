"""The jobs of a server, as a worker on this machine sees them."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cdfi.common.files import write_text
from cdfi.video.jobs.claims import Claim, Claims
from cdfi.video.jobs.folder_names import JOB, MANIFEST, MARKER, folder_name
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.sealed import file_fingerprint, read_sealed, sealed_json
from cdfi.video.jobs.workfolder import MARKER_TEXT, WorkFolder
from cdfi.video.remote.connection import RefusedError, ServerConnection
from cdfi.video.remote.server_claims import ServerClaims
from cdfi.video.remote.server_work import ServerWork
from cdfi.video.remote.source_cache import jobs_folder, remove_unused, source_lock, sources_folder
from cdfi.video.remote.work_protocol import JOBS, VERSION


@dataclass(frozen=True)
class ServerJob:
    """A job at a server; on this machine a folder with its description stands for it.

    Attributes:
        connection: to the server.
        number: of the job there.
        folder: on this machine.
    """

    connection: ServerConnection
    number: str
    folder: Path

    @property
    def address(self) -> str:
        """The path of the job below the server's URL."""
        return f"{JOBS}/{self.number}"

    def prepare(self) -> None:
        """Fetch the description and the source.

        Raises:
            RefusedError: the job has ended.
            OSError: the server does not answer, or the disk is full.
            ValueError: the source that arrives is not the one that was planned.
        """
        found = self.connection.ask("GET", self.address)
        try:
            source = self._source(found["source"], str(found["manifest"]["source"]))
        except OSError:
            self.connection.ask("GET", self.address)  # refused if the job has ended meanwhile
            raise
        self.folder.mkdir(parents=True, exist_ok=True)
        description = {**found["job"], "source": str(source), "relative": source.name}
        write_text(self.folder / MARKER, MARKER_TEXT)
        write_text(self.folder / MANIFEST, sealed_json(found["manifest"]))
        write_text(self.folder / JOB, sealed_json(description))

    def job(self, planned: Job) -> Job:
        """Return a job planned from the description, with the work folder at the server."""
        values = {row.name: getattr(planned.work, row.name) for row in fields(WorkFolder)}
        work = ServerWork(**values, connection=self.connection, address=self.address)
        return replace(planned, work=work)

    def claims(self, owner: Claim) -> AbstractContextManager[Claims]:
        """Return the claims of a worker."""
        used = [self.folder.parents[1], Path(read_sealed(self.folder / JOB)["source"])]
        return ServerClaims(self.connection, self.address, self.folder, owner, used)

    def _source(self, source: dict[str, Any], fingerprint: str) -> Path:
        """Return the source in the cache, after fetching it unless it is there."""
        name = f"{fingerprint}{Path(source['name']).suffix}"
        path = sources_folder() / self.connection.checked_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with source_lock(path):
            self.connection.download(f"{self.address}/source", path, source["size"])
            if file_fingerprint(path) != fingerprint:
                path.unlink()
                raise ValueError(
                    f"{self.connection.base} sent another file than the planned {source['name']}: "
                    "it has changed since; start the job again"
                )
            os.utime(path)
        return path


class JobServer:
    """The jobs of one server that need workers.

    Args:
        url: as of :class:`ServerConnection`.
        worker: name of the worker.
    """

    def __init__(self, url: str, worker: str) -> None:
        self.connection = ServerConnection(url)
        self._home = jobs_folder() / worker
        self._known: set[str] = set()

    def connect(self) -> None:
        """Raise an error unless the server is there, accepts the token and fits this version.

        Raises:
            OSError: it is not there, or refuses.
            ValueError: it is of another version.
        """
        try:
            found = self.connection.ask("GET", JOBS, patient=False)
        except RefusedError as error:
            if error.status != 404:
                raise
            found = {}
        if not isinstance(found, dict) or found.get("protocol") != VERSION:
            raise ValueError(
                f"{self.connection.base} is of another version of cdfi "
                f"({found.get('version', 'one without workers')}; this is {version('cdfi')}): "
                "install the same version on both machines"
            )
        remove_unused()

    def new_jobs(self) -> list[ServerJob]:
        """Return the jobs that need workers, and were not returned before.

        Raises:
            ServerGoneError: the server does not answer.
        """
        with suppress(OSError):  # there is none before the first job
            os.utime(self._home)
        found = []
        listed = {job["id"]: job for job in self.connection.ask("GET", JOBS)["jobs"]}
        for number in [number for number in listed if number not in self._known]:
            names = number, folder_name(listed[number]["target"])
            folder = self._home.joinpath(*map(self.connection.checked_name, names))
            found.append(ServerJob(self.connection, number, folder))
        self._known = set(listed)
        return found

    def close(self) -> None:
        """Remove what stands for the jobs on this machine; sources stay in the cache."""
        shutil.rmtree(self._home, ignore_errors=True)
