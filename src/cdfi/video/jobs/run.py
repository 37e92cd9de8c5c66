"""Run a job in its work folder: make the missing segments here, or wait until others have."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from cdfi.common.progress import Progress
from cdfi.video.jobs.claimed import ClaimedSegments, make_claimed, wait_for_others
from cdfi.video.jobs.claims import Claims
from cdfi.video.jobs.disk import disk_warning
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.job_file import write_description
from cdfi.video.jobs.join import holds_its_frames
from cdfi.video.jobs.model import Model, ModelSpec, fingerprint, resolve_model
from cdfi.video.jobs.parallel import make_in_parallel, processes_for
from cdfi.video.jobs.plan import expected_frames
from cdfi.video.jobs.scheduling import POLL, SETTLE
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.watch import JobWatch
from cdfi.video.options import Options

#: Who makes the segments: processes of this call, or others that work on the job.
Workers = Literal["local", "external"]


def processes(jobs: int | None, model: Model, workers: Workers) -> int:
    """Return how many processes make segments here; 0 if others make all of them.

    Raises:
        ValueError: unknown ``workers``, or a number that does not go with them.
    """
    if workers == "local":
        return processes_for(jobs, model)
    if workers != "external":
        raise ValueError(f'workers must be "local" or "external", got {workers!r}')
    if jobs is not None:
        raise ValueError("jobs is for local workers: leave it out with external ones")
    if not isinstance(model, ModelSpec):
        raise ValueError(
            "external workers need a model by name or file: expected a name, a path or a ModelSpec"
        )
    return 0


@dataclass
class JobRun:
    """Makes what is missing of a job, or waits until others have made it.

    Attributes:
        job: as planned.
        model: that makes the frames.
        processes: that make segments here; 0 leaves them to others.
        progress: called with the number of frames written so far and in total.
        watch: called as the job proceeds.
    """

    job: Job
    model: Model
    processes: int
    progress: Progress | None
    watch: JobWatch | None = None

    def begin(self, source: Path, options: Options, overwrite: bool) -> list[str]:
        """Make the work folder, whose lock this process has, serve the job.

        Args:
            source: what the user gave.
            options: what the user gave.
            overwrite: whether another job's segments may be discarded.

        Returns:
            A line that says why finished segments were discarded, if they were.

        Raises:
            ValueError: the folder keeps another job's segments, and ``overwrite`` is false.
        """
        work = self.job.work
        restarted = work.begin(self.job.identity(fingerprint(self.model)), overwrite)
        if isinstance(self.model, ModelSpec):
            write_description(self.job, source, options, self.model)
        return [f"{work.target.name}: {restarted}"] if restarted else []

    def make_missing(self) -> Counter[str]:
        """Make every segment that is not finished yet, or wait until others have.

        It ends early if finished segments are damaged as often as they are made.

        Raises:
            ValueError: the source has changed meanwhile.
        """
        source = self.job.source_fingerprint()
        finished = self._valid()
        watch = self.watch or JobWatch()
        watch.on_start(len(self.job.boundaries), len(finished))
        counter = _Counter(self.progress, expected_frames(self.job))
        counter.reach(sum(len(record.times) for record in finished.values()))
        if line := disk_warning(self.job, counter.total - counter.done):
            watch.on_warning(line)
        if not self.processes:
            watch.on_wait(self.job.work.path.absolute())
        notes: Counter[str] = Counter()
        before = -1
        while before < len(finished) < len(self.job.boundaries):
            notes.update(self._make(counter))
            before, finished = len(finished), self._valid()
        if self.job.source_fingerprint() != source:
            raise ValueError(
                f"{self.job.source.path} changed while it was interpolated, so its segments do not "
                "fit together: repeat the command with --overwrite"
            )
        if len(finished) == len(self.job.boundaries):
            self.job.work.mark_complete()
        return notes

    def _make(self, counter: _Counter) -> Counter[str]:
        """Make free segments, then wait for those of other workers."""
        build = cache(lambda: resolve_model(self.model)) if self.processes else None
        notes: Counter[str] = Counter()
        if self.processes > 1:
            live = self.watch.live if self.watch else None
            notes = make_in_parallel(self.job, self.model, self.processes, counter.add, live)
        with Claims(self.job.work.path) as claims:
            queue = ClaimedSegments(self.job, claims)
            if self.processes == 1 and build is not None:
                notes = make_claimed(queue, build, counter.add, self.watch)
            notes.update(wait_for_others(queue, build, counter.add, counter.reach))
        return notes

    def _valid(self) -> dict[int, SegmentRecord]:
        """Return the finished segments that are verified; remove the records of damaged ones."""
        finished = self._verified()
        doubtful = self.job.work.recorded() - finished.keys()
        deadline = time.monotonic() + SETTLE
        while any(map(self.job.work.awaits_file, doubtful)) and time.monotonic() < deadline:
            time.sleep(POLL)
        finished |= self._verified(doubtful)
        for number in doubtful - finished.keys():
            self.job.work.discard(number)
        return finished

    def _verified(self, among: Iterable[int] | None = None) -> dict[int, SegmentRecord]:
        """Return the finished segments whose files have the digest and the frames of the record."""
        found = self.job.finished(check=True, among=among)
        return {n: record for n, record in found.items() if holds_its_frames(self.job, n, record)}


@dataclass
class _Counter:
    """Counts the frames that are written, for a progress callback."""

    progress: Progress | None
    total: int
    done: int = 0

    def add(self, count: int) -> None:
        """Add frames, and report."""
        self.done += count
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)

    def reach(self, done: int) -> None:
        """Report at least ``done`` frames, those of other workers included."""
        self.add(max(done - self.done, 0))
