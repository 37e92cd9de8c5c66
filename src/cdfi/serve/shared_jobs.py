"""The running jobs of a server, whose segments workers on other machines may make."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from cdfi.common.files import create
from cdfi.serve.answers import ApiError
from cdfi.serve.job_queue import JobQueue
from cdfi.serve.stored_job import StoredJob
from cdfi.video.jobs.claims import CLAIM, REPEAT, Claim, Claims, own_claim
from cdfi.video.jobs.folder_names import COMPLETE, JOB, MANIFEST, folder_name
from cdfi.video.jobs.sealed import file_digest, is_plain, read_sealed, seal
from cdfi.video.jobs.workfolder import WorkFolder

WORKER = re.compile(r"[\w-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class SharedJob:
    """A running job and its work folder.

    Attributes:
        stored: the job.
        manifest: what must be equal at every worker.
        description: what a worker needs to know.
    """

    stored: StoredJob
    manifest: dict[str, Any]
    description: dict[str, Any]

    @property
    def source(self) -> Path:
        """The video."""
        return Path(self.stored.inputs[0])

    @property
    def segments(self) -> int:
        """How many segments it has."""
        return int(self.description["segments"])

    @property
    def work(self) -> WorkFolder:
        """Its work folder."""
        return WorkFolder(Path(self.stored.target), job=seal(self.manifest))

    def described(self) -> dict[str, Any]:
        """Return what a worker needs, without paths of this machine."""
        source = {"name": self.source.name, "size": self.source.stat().st_size}
        shown = {k: v for k, v in self.description.items() if k not in ("source", "relative")}
        return {
            "id": self.stored.id,
            "name": self.stored.name,
            "job": shown,
            "manifest": self.manifest,
            "source": source,
        }

    def listed(self) -> dict[str, Any]:
        """Return what a list of jobs shows."""
        values = {"id": self.stored.id, "name": self.stored.name}
        return {**values, "target": self.description["target"], "segments": self.segments}


class SharedJobs:
    """The jobs that workers may help with, and the claims of these workers."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._claims: dict[Path, Claims] = {}

    def all(self) -> list[SharedJob]:
        """Return the jobs that are running and planned, the first one first."""
        jobs = sorted(self._queue.jobs.values(), key=lambda job: job.order)
        return [shared for job in jobs if (shared := _shared(job)) is not None]

    def get(self, number: str) -> SharedJob:
        """Return a job.

        Raises:
            ApiError: there is none, or it needs no workers.
        """
        job = self._queue.get(number)
        if (shared := _shared(job)) is None:
            raise ApiError(409, f"{job.name} needs no workers now: it is {job.state}")
        return shared

    def state(self, job: SharedJob) -> dict[str, Any]:
        """Return which segments are finished, and the claims on the others."""
        finished, own = job.work.recorded(), self._own(job)
        open_claims = [claim for claim in own.seen() if claim.number not in finished]
        claims = [{**asdict(claim), "lost": own.may_take_over(claim)} for claim in open_claims]
        return {"finished": sorted(finished), "claims": claims}

    def take(self, job: SharedJob, values: Mapping[str, Any]) -> bool:
        """Claim a segment for a worker; return whether it is the worker's now."""
        number = checked_number(job, values.get("number"))
        claims = self._own(job).for_worker(_owner(values.get("owner")))
        take = claims.take if values.get("take_over") else claims.take_free
        return take(number, REPEAT if values.get("repeat") else CLAIM) or claims.adopt(number)

    def touch(self, job: SharedJob, values: Mapping[str, Any]) -> None:
        """Keep the claims of a worker from being lost."""
        numbers = values.get("numbers")
        if not isinstance(numbers, list):
            raise ApiError(400, 'expected {"owner": CLAIM, "numbers": [NUMBER]}')
        claims = self._own(job).for_worker(_owner(values.get("owner")))
        for number in numbers:
            claims.adopt(checked_number(job, number))
        claims.touch()

    def give_up(self, job: SharedJob, worker: str, number: int) -> None:
        """Remove the claims of a worker on a segment."""
        owner = Claim(checked_worker(worker), "", "", 0, 0.0)
        claims = self._own(job).for_worker(owner)
        claims.adopt(number)
        claims.give_up(number)

    def _own(self, job: SharedJob) -> Claims:
        """Return this server's view of the claims; it remembers for how long it has seen them."""
        self._claims = {path: found for path, found in self._claims.items() if path.is_dir()}
        return self._claims.setdefault(job.work.path, Claims(job.work.path, own_claim()))


def part_file(job: SharedJob, number: int, worker: str) -> Path:
    """Return where the segment of a worker arrives."""
    return job.work.path / f"{number:06d}.{worker}.part"


def begin_part(path: Path, reserve: int) -> None:
    """Create the file of a segment that arrives.

    Raises:
        ApiError: the disk is nearly full, or something else has its name.
    """
    if shutil.disk_usage(path.parent).free < reserve:
        raise ApiError(507, "no space left on the server's disk: free some")
    if not is_plain(path):
        try:
            create(path).close()
        except FileExistsError:
            raise ApiError(409, f"{path.name} is in the way: remove it") from None


def finish_segment(job: SharedJob, number: int, worker: str, values: Mapping[str, Any]) -> None:
    """Verify a segment that has arrived, and move it to its place.

    Raises:
        ApiError: it is damaged, or the request is not understood.
    """
    times, counts = _times(values.get("times")), values.get("counts")
    if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
        counts = None
    if times is None or counts is None:
        raise ApiError(400, "expected ascending times and an object of counts")
    work = WorkFolder(job.work.target, job.work.job, worker=worker)
    part = part_file(job, number, worker)
    if work.record(number) is None and times:
        if not is_plain(part):
            raise ApiError(422, f"segment {number} has not arrived: send it again")
        found = (part.stat().st_size, file_digest(part))
        if found != (values.get("size"), values.get("digest")):
            part.unlink()
            raise ApiError(422, f"segment {number} arrived damaged: send it again")
    seconds = values.get("seconds", 0.0)
    work.finish(number, times, counts, seconds if isinstance(seconds, (int, float)) else 0.0)


def checked_number(job: SharedJob, value: object) -> int:
    """Return the number of a segment. Raises ApiError if there is none like it."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < job.segments:
        raise ApiError(404, f"expected a segment from 0 to {job.segments - 1}, got {value!r}")
    return value


def checked_worker(value: object) -> str:
    """Return the name of a worker. Raises ApiError if it is not one."""
    if not isinstance(value, str) or not WORKER.fullmatch(value):
        raise ApiError(400, "expected the name of a worker: letters, digits and hyphens")
    return value


def _owner(values: object) -> Claim:
    """Return the worker that a request describes."""
    try:
        owner = Claim(**values)  # type: ignore[arg-type]
        kinds = (owner.host, str), (owner.system, str), (owner.process, int)
        right = all(isinstance(value, kind) for value, kind in kinds)
        numbers = isinstance(owner.started, (int, float)) and isinstance(owner.taken, (int, float))
    except TypeError:
        right = numbers = False
    if not right or not numbers:
        raise ApiError(400, "expected a worker: its name, host, system, process and start")
    checked_worker(owner.worker)
    return owner


def _times(value: object) -> list[int] | None:
    """Return a list of ascending integers; None if the value is not one."""
    if not isinstance(value, list) or not all(type(time) is int for time in value):
        return None
    return value if all(a < b for a, b in pairwise(value)) else None


def _shared(job: StoredJob) -> SharedJob | None:
    """Return a job if it is running, planned and of a kind that workers can make."""
    if job.state != "running" or job.kind != "video" or len(job.inputs) != 1:
        return None
    folder = Path(job.target).with_name(folder_name(Path(job.target).name))
    manifest, description = read_sealed(folder / MANIFEST), read_sealed(folder / JOB)
    if not isinstance(manifest, dict) or not isinstance(description, dict):
        return None
    plain = isinstance(manifest.get("source"), str) and not (folder / COMPLETE).exists()
    return SharedJob(job, manifest, description) if plain else None
