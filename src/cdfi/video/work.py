"""Work on planned jobs: claim segments of their work folders, on any machine that sees them."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Protocol

import av

from cdfi.video.jobs.claimed import ClaimedSegments, make_claimed
from cdfi.video.jobs.claims import Claim, Claims, own_claim
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.job_file import check_access, opened_job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec
from cdfi.video.jobs.scheduling import POLL, SETTLE
from cdfi.video.jobs.segments import make_segments
from cdfi.video.remote.connection import RefusedError, ServerGoneError, is_url
from cdfi.video.remote.server_jobs import JobServer
from cdfi.video.remote.server_work import ENDED

#: Called with a folder and the number of frames written there since its last call.
OnFrames = Callable[[Path, int], None]
#: Called with a folder that this worker cannot work on, and a line that says why.
OnRefusal = Callable[[Path, str], None]
ERRORS = (OSError, ValueError, av.error.FFmpegError)


class Access(Protocol):
    """How a worker gets at a planned job: in its work folder, or at a server."""

    @property
    def folder(self) -> Path:
        """The folder with the job's description."""

    def prepare(self) -> None:
        """Make the description and the source available, or raise an error."""

    def job(self, planned: Job) -> Job:
        """Return a job planned from the description, with the folder that gets its segments."""

    def claims(self, owner: Claim) -> AbstractContextManager[Claims]:
        """Return the claims of a worker."""


@dataclass(frozen=True)
class FolderAccess:
    """A job in a work folder that this machine sees."""

    folder: Path

    def prepare(self) -> None:
        """Raise OSError if the folder is not there, or may not be used."""
        check_access(self.folder)

    def job(self, planned: Job) -> Job:
        """Return the job."""
        return planned

    def claims(self, owner: Claim) -> AbstractContextManager[Claims]:
        """Return the claims of a worker in the folder."""
        return Claims(self.folder, owner)


def work(
    folders: Sequence[Path | str],
    *,
    device: str | None = None,
    once: bool = False,
    exit_when_idle: bool = False,
    on_frames: OnFrames | None = None,
    on_refusal: OnRefusal | None = None,
) -> int:
    """Make free segments of planned jobs; return the number of frames written.

    It ends when the segments of all jobs are finished and verified; with a server, never. Each
    network is loaded once.

    Args:
        folders: work folders, named ``.NAME.cdfi-work``, and URLs that ``cdfi serve`` has printed.
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
    urls = [str(word) for word in folders if is_url(str(word))]
    servers = [JobServer(url, worker.owner.worker) for url in urls]
    with worker.opened:
        for server in servers:
            server.connect()
            worker.opened.callback(server.close)
        for folder in folders:
            if not is_url(str(folder)):
                worker.add(FolderAccess(Path(folder)))
        _work_until_done(worker, servers, exit_when_idle or once)
    return worker.frames


def _work_until_done(worker: Worker, servers: Sequence[JobServer], until_idle: bool) -> None:
    """Make segments until none is needed; with ``until_idle``, until none is free."""
    while True:
        for server in servers:
            for job in server.new_jobs():
                worker.add(job)
        if not worker.folders and not servers:
            return
        if worker.look():
            if worker.once:
                return
        elif until_idle:
            return
        elif worker.folders or servers:
            time.sleep(worker.idle())


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
        self._access: dict[Path, Access] = {}
        self._jobs: dict[Path, tuple[ClaimedSegments, ModelSpec]] = {}
        self._closing: dict[Path, ExitStack] = {}
        self._build: Callable[[ModelSpec], FrameInterpolator] = cache(ModelSpec.build)

    def add(self, access: Access) -> None:
        """Work on a job from now on, if that is possible."""
        self.folders.append(access.folder)
        self._access[access.folder] = access
        with self.errors(access.folder):
            access.prepare()

    def look(self) -> bool:
        """Make what is free, or else repeat what is slow; return whether there was anything."""
        before = self.frames
        for make in (self._make_free, self._repeat):
            for folder in list(self.folders):
                with self.errors(folder):
                    if self._serves(folder):
                        make(folder)
                    else:
                        self._leave(folder)
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
        except ServerGoneError:
            raise
        except ERRORS as error:
            ended = self._has_ended(folder, error)
            self._leave(folder)
            if ended:
                return
            line = _explained(folder, error)
            if self.on_refusal is None:
                kind = OSError if isinstance(error, OSError) else ValueError
                raise kind(line) from error
            self.on_refusal(folder, line)

    def _serves(self, folder: Path) -> bool:
        """Open the job of a folder, if it is not open; return whether it needs segments."""
        if folder not in self._jobs:
            access, stack = self._access[folder], ExitStack()
            self._closing[folder] = self.opened.enter_context(stack)
            planned = opened_job(folder, self.device, self.owner.worker)
            job, model = stack.enter_context(planned)
            claims = stack.enter_context(access.claims(self.owner))
            queue = ClaimedSegments(access.job(job), claims)
            self._jobs[folder] = queue, replace(model, keep=True)
        return self._jobs[folder][0].job.work.is_served

    def _leave(self, folder: Path) -> None:
        """Close the job of a folder, and do not look at it any more."""
        self.folders.remove(folder)
        self._jobs.pop(folder, None)
        if folder in self._closing:
            self._closing.pop(folder).close()

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
        """Return whether a job has ended; a file system may show that late."""
        if folder not in self._jobs:
            return isinstance(error, RefusedError) and error.status in ENDED
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
