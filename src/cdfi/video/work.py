"""Work on planned jobs: claim segments of their work folders, on any machine that sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from cdfi.video.jobs.claimed import POLL, ClaimedSegments, make_claimed
from cdfi.video.jobs.claims import Claim, Claims, own_claim
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.job_file import opened_job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec

#: Called with a folder and the number of frames written there since its last call.
OnFrames = Callable[[Path, int], None]


def work(
    folders: Sequence[Path],
    *,
    device: str | None = None,
    once: bool = False,
    exit_when_idle: bool = False,
    on_frames: OnFrames | None = None,
) -> int:
    """Make free segments of planned jobs; return the number of frames written.

    It ends when the results of all jobs have been joined. Each network is loaded once.

    Args:
        folders: work folders, named ``.NAME.cdfi-work``.
        device: that the networks run on; by default the one of each job.
        once: end after one segment.
        exit_when_idle: end when no segment is free.
        on_frames: called as frames are written.

    Raises:
        OSError: a folder, or the source or the model of a job, cannot be read.
        ValueError: a folder holds no planned job, or this machine would make other frames.
    """
    if not folders:
        raise ValueError("no work folder was given: expected .NAME.cdfi-work beside a result")
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} does not exist: expected a work folder")
    worker = _Worker(own_claim(), device, once, on_frames)
    with worker.opened:
        while open_folders := [folder for folder in folders if worker.serves(folder)]:
            before = worker.frames
            for folder in open_folders:
                worker.make(folder)
                if once and worker.frames > before:
                    return worker.frames
            if worker.frames == before:
                if exit_when_idle or once:
                    break
                time.sleep(POLL)
    return worker.frames


@dataclass
class _Worker:
    """One worker, the jobs that it has opened, and the networks that it has loaded."""

    owner: Claim
    device: str | None
    once: bool
    on_frames: OnFrames | None
    frames: int = 0
    opened: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._jobs: dict[Path, tuple[Job, ModelSpec]] = {}
        self._build: Callable[[ModelSpec], FrameInterpolator] = cache(ModelSpec.build)

    def serves(self, folder: Path) -> bool:
        """Open the job of a folder, if it is not open; return whether it is still there."""
        if not folder.is_dir():
            return False
        if folder not in self._jobs:
            job = opened_job(folder, self.device, self.owner.worker)
            self._jobs[folder] = self.opened.enter_context(job)
        return self._jobs[folder][0].work.is_served

    def make(self, folder: Path) -> None:
        """Make the free segments of a folder; errors count only while the job is there."""
        job, model = self._jobs[folder]
        network = replace(model, keep=True)

        def on_progress(count: int) -> None:
            self.frames += count
            if self.on_frames is not None:
                self.on_frames(folder, count)

        try:
            with Claims(folder, self.owner) as claims:
                queue = ClaimedSegments(job, claims)
                make_claimed(queue, lambda: self._build(network), on_progress, once=self.once)
        except (OSError, ValueError):
            if job.work.is_served:
                raise
