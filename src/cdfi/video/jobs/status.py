"""How far a planned job is, and who works on it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cdfi.video.jobs.claims import LEASE, Claims, SeenClaim
from cdfi.video.jobs.job_file import read_description
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
        claims: of workers, those touched longest ago first.
        seconds_left: at the speed of the finished segments; None before the second one.
    """

    folder: Path
    segments: int
    finished: int
    frames: int
    written: int
    claims: list[SeenClaim]
    seconds_left: float | None

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
    written, times = 0, []
    for path in sorted(folder.glob("[0-9]*.json")):
        record = read_sealed(path)
        if isinstance(record, dict):
            written += len(record.get("times", []))
            times.append(path.stat().st_mtime)
    with Claims(folder) as claims:
        seen = claims.seen()
    return JobStatus(
        folder=folder,
        segments=described.segments,
        finished=len(times),
        frames=described.frames,
        written=written,
        claims=seen,
        seconds_left=_seconds_left(times, described.segments),
    )


def _seconds_left(times: list[float], segments: int) -> float | None:
    """Return the seconds that the segments without a record take, at the speed so far."""
    if len(times) < 2 or max(times) == min(times):
        return None
    each = (max(times) - min(times)) / (len(times) - 1)
    since = max(time.time() - max(times), 0.0)
    return max(each * (segments - len(times)) - min(since, each), 0.0)
