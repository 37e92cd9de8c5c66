"""Work on planned jobs: claim segments of their work folders, on any machine that sees them."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import av

from cdfi.video.jobs.claimed import ClaimedSegments, make_claimed
from cdfi.video.jobs.claims import Claim, Claims, own_claim
from cdfi.video.jobs.job_file import check_access, opened_job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec
from cdfi.video.jobs.scheduling import POLL, SETTLE
from cdfi.video.jobs.segments import make_segments

#: Called with a folder and the number of frames written there since its last call.
OnFrames = Callable[[Path, int], None]
#: Called with a folder that this worker cannot work on, and a line that says why.
OnRefusal = Callable[[Path, str], None]
ERRORS = (OSError, ValueError, av.error.FFmpegError)


def work(
    folders: Sequence[Path],
    *,
    device: str | None = None,
    once: bool = False,
    exit_when_idle: bool = False,
    on_frames: OnFrames | None = None,
    on_refusal: OnRefusal | None = None,
) -> int:
    """Make free segments of planned jobs; return the number of frames written.

    It ends when the segments of all jobs are finished and verified. Each network is loaded once.

    Args:
        folders: work folders, named ``.NAME.cdfi-work``.
        device: that the networks run on; by default the one of each job.
        once: end after one segment.
        exit_when_idle: end when no segment is free.
        on_frames: called as frames are written.
        on_refusal: called with the error of a folder, which is left out from then on; by default
            the error is raised.

    Raises:
        OSError: a folder, or the source or the model of a job, cannot be read or written.
        ValueError: a folder holds no planned job, or this machine would make other frames.
    """
    if not folders:
        raise ValueError("no work folder was given: expected .NAME.cdfi-work beside a result")
    worker = Worker(device, once, on_frames, on_refusal)
    with worker.opened:
        for folder in folders:
            worker.add(folder)
        while worker.folders:
            if worker.look():
                if once:
                    break
            elif exit_when_idle or once:
                break
            elif worker.folders:
                time.sleep(worker.idle())
    return worker.frames


@dataclass
class Worker:
    """One worker, the jobs that it has opened, and the networks that it has loaded.

    Attributes:
        device: as of :func:`work`, like the next ones.
        once: end after one segment.
        on_frames: called as frames are written.
        on_refusal: called with the error of a folder.
        owner: its claim.
        folders: that may need segments.
        frames: written so far.
        opened: closes the jobs.
    """

    device: str | None = None
    once: bool = False
    on_frames: OnFrames | None = None
    on_refusal: OnRefusal | None = None
    owner: Claim = field(default_factory=own_claim)
    folders: list[Path] = field(default_factory=list)
    frames: int = 0
    opened: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._jobs: dict[Path, tuple[ClaimedSegments, ModelSpec]] = {}
        self._build: Callable[[ModelSpec], FrameInterpolator] = cache(ModelSpec.build)

    def add(self, folder: Path) -> None:
        """Work on a folder from now on, if it can be used."""
        self.folders.append(folder)
        with self.errors(folder):
            check_access(folder)

    def look(self) -> bool:
        """Make what is free, or else repeat what is slow; return whether there was anything."""
        before = self.frames
        for make in (self._make_free, self._repeat):
            for folder in list(self.folders):
                with self.errors(folder):
                    if self._serves(folder):
                        make(folder)
                    else:
                        self.folders.remove(folder)
                if self.once and self.frames > before:
                    return True
            if self.frames > before:
                return True
        return False

    def idle(self) -> float:
        """Return for how many seconds to wait before the next look."""
        seconds = [POLL]
        for folder in list(self.folders):
            with self.errors(folder):
                seconds.append(self._jobs[folder][0].idle())
        return max(seconds)

    @contextmanager
    def errors(self, folder: Path) -> Iterator[None]:
        """Leave a folder out after an error, which counts only while its job is there."""
        try:
            yield
        except ERRORS as error:
            self.folders.remove(folder)
            if self._has_ended(folder, error):
                return
            line = _explained(folder, error)
            if self.on_refusal is None:
                kind = OSError if isinstance(error, OSError) else ValueError
                raise kind(line) from error
            self.on_refusal(folder, line)

    def _serves(self, folder: Path) -> bool:
        """Open the job of a folder, if it is not open; return whether it needs segments."""
        if folder not in self._jobs:
            opened = opened_job(folder, self.device, self.owner.worker)
            job, model = self.opened.enter_context(opened)
            claims = self.opened.enter_context(Claims(folder, self.owner))
            self._jobs[folder] = ClaimedSegments(job, claims), replace(model, keep=True)
        return self._jobs[folder][0].job.work.is_served

    def _make_free(self, folder: Path) -> None:
        queue, model = self._jobs[folder]
        make_claimed(queue, lambda: self._build(model), self._on_progress(folder), once=self.once)

    def _repeat(self, folder: Path) -> None:
        queue, model = self._jobs[folder]
        if (chosen := queue.next_repeat()) is not None:
            on_progress = self._on_progress(folder)
            make_segments(queue.job, self._build(model), chosen, on_progress, None, queue)

    def _on_progress(self, folder: Path) -> Callable[[int], None]:
        def on_progress(count: int) -> None:
            self.frames += count
            if self.on_frames is not None:
                self.on_frames(folder, count)

        return on_progress

    def _has_ended(self, folder: Path, error: Exception) -> bool:
        """Return whether an opened job has ended; a file system may show that late."""
        if folder not in self._jobs:
            return False
        is_gone = isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ESTALE)
        deadline = time.monotonic() + (SETTLE if is_gone else 0)
        while self._jobs[folder][0].job.work.is_served:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL)
        return True


def _explained(folder: Path, error: Exception) -> str:
    """Return a line that names the folder, and what to do about a full disk."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            f"{folder}: no space left on the disk: free some space and start this worker again; "
            "other workers make its segments"
        )
    return str(error) if str(folder) in str(error) else f"{folder}: {error}"
