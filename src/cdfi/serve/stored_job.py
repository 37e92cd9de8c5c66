"""A job as it is kept on disk, and the folder that keeps all of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from cdfi.common.files import write_text

State = Literal["queued", "running", "cancelling", "cancelled", "failed", "interrupted", "done"]
ACTIVE = ("running", "cancelling")  # states in which a process belongs to the job
RECORD = "job.json"
LIVE = "live.jpg"  # the newest interpolated frame


@dataclass
class StoredJob:
    """A job.

    Attributes:
        id: random hexadecimal digits; the name of its folder.
        name: of the source, shown to users.
        kind: video, images or folder.
        inputs: paths of the sources.
        names: of the inputs, as the user knows them.
        target: path of the result.
        download: the name of the result when it is downloaded.
        options: as they were requested, see ``cdfi.serve.job_options``.
        created: in seconds since 1970, as the other times.
        order: jobs with lower numbers run first.
        preview: whether it runs before all others.
        in_place: whether the result lies beside its source.
        state: of the job.
        fresh: whether the next run discards finished segments.
        kept: frames that a run which did not finish has left.
        message: why it failed or stopped, or "".
        started: when its last run began.
        finished: when its last run ended.
        pid: of the process that runs it.
        pid_created: when that process began; systems reuse the numbers of processes.
        report: the JSON object that the command printed.
    """

    id: str
    name: str
    kind: str
    inputs: list[str]
    names: list[str]
    target: str
    download: str
    options: dict[str, Any]
    created: float
    order: float
    preview: bool = False
    in_place: bool = False
    state: State = "queued"
    fresh: bool = False
    kept: int = 0
    message: str = ""
    started: float | None = None
    finished: float | None = None
    pid: int | None = None
    pid_created: float | None = None
    report: dict[str, Any] = field(default_factory=dict)


class JobFolder:
    """The folder of all jobs: ``<id>/job.json``, and the files of each run beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def of(self, job: StoredJob) -> Path:
        """Return the folder of a job."""
        return self.path / job.id

    def log(self, job: StoredJob) -> Path:
        """Return the file with what its process writes to stderr: progress and messages."""
        return self.of(job) / "log.txt"

    def report(self, job: StoredJob) -> Path:
        """Return the file with what its process writes to stdout: the report."""
        return self.of(job) / "report.txt"

    def live(self, job: StoredJob) -> Path:
        """Return the picture of the newest interpolated frame."""
        return self.of(job) / LIVE

    def save(self, job: StoredJob) -> None:
        """Write the record of a job."""
        text = json.dumps(asdict(job), indent=1)
        write_text(self.of(job) / RECORD, text, fsync=True, follow_links=False)

    def load(self) -> Iterator[StoredJob]:
        """Yield the jobs whose records can be read."""
        names = {row.name for row in fields(StoredJob)}
        for path in self.path.glob(f"*/{RECORD}"):
            with suppress(OSError, ValueError, TypeError):
                values = json.loads(path.read_text(encoding="utf-8"))
                yield StoredJob(**{name: values[name] for name in values if name in names})

    def remove(self, job: StoredJob) -> None:
        """Remove a job with everything in its folder; a result in place stays."""
        with suppress(OSError):
            (self.of(job) / RECORD).unlink()
        shutil.rmtree(self.of(job), ignore_errors=True)
