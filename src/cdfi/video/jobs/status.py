"""The progress of a planned job, and the claims of its workers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cdfi.video.jobs.claims import Claims, SeenClaim
from cdfi.video.jobs.job_file import read_description
from cdfi.video.jobs.scheduling import LEASE
from cdfi.video.jobs.sealed import read_sealed


@dataclass(frozen=True)
class JobStatus:
    """The state of a work folder.

    Attributes:
        folder: its path.
        segments: how many the job has.
        finished: how many of them are finished.
        frames: of the result.
        written: how many of the frames are in finished segments.
        claims: on unfinished segments, those touched longest ago first.
        seconds_left: at the speed of the finished segments; None before the second one.
        finished_by: how many segments each worker has finished.
    """

    folder: Path
    segments: int
    finished: int
    frames: int
    written: int
    claims: list[SeenClaim]
    seconds_left: float | None
    finished_by: dict[str, int]

    @property
    def lost(self) -> list[SeenClaim]:
        """The claims that other workers may take over."""
        return [claim for claim in self.claims if claim.age > LEASE]


def job_status(folder: Path) -> JobStatus:
    """Return the state of a work folder.

    Raises:
        ValueError: it holds no planned job.
        OSError: it cannot be read or written: the age of claims is measured with a file in it.
    """
    described = read_description(folder)
    written, times, workers = 0, {}, Counter[str]()
    for path in sorted(folder.glob("[0-9]*.json")):
        record = read_sealed(path)
        if isinstance(record, dict):
            written += len(record.get("times", []))
            workers[str(record.get("worker") or "the planner")] += 1
            times[int(path.stem)] = path.stat().st_mtime
    with Claims(folder) as claims:
        seen, now = claims.seen(), claims.now()
    return JobStatus(
        folder=folder,
        segments=described.segments,
        finished=len(times),
        frames=described.frames,
        written=written,
        claims=[claim for claim in seen if claim.number not in times],
        seconds_left=_seconds_left(list(times.values()), described.segments, now),
        finished_by=dict(workers),
    )


def _seconds_left(times: list[float], segments: int, now: float) -> float | None:
    """Return the seconds that the segments without a record take, at the speed so far."""
    if len(times) < 2 or max(times) == min(times):
        return None
    each = (max(times) - min(times)) / (len(times) - 1)
    since = max(now - max(times), 0.0)
    return max(each * (segments - len(times)) - min(since, each), 0.0)
