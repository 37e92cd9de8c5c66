"""Claims on segments: which worker makes which one, in a folder that several machines may share.

A claim is the file ``NNNNNN.claim``, created exclusively. Its worker touches it every ten seconds.
A claim that another worker has not seen touched for a minute, or whose process is known to be dead,
may be taken over. The claim of a finished segment stays: a file system may show the record of the
segment late, but it never lets two workers create the same claim. If two workers make one segment
after all, both results are valid. A second claim, ``NNNNNN.repeat.claim``, lets one idle worker
repeat a slow segment.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Container
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path

import psutil

from cdfi.video.jobs.process_identity import has_ended, plain_host, process_system
from cdfi.video.jobs.scheduling import BEAT, LEASE, is_lost

CLAIM, REPEAT = ".claim", ".repeat.claim"
CLOCK_READ = 60.0  # seconds after which the clock of the file system is read again


@dataclass(frozen=True)
class Claim:
    """What a claim says about its worker.

    Attributes:
        worker: a name that is unique for each worker.
        host: name of its machine.
        system: identifies the process numbers that it uses: a container has its own.
        process: its process number.
        started: when that process started, in seconds since 1970 by its machine's clock.
        taken: when the segment was claimed, by the clock of the file system.
    """

    worker: str
    host: str
    system: str
    process: int
    started: float
    taken: float = 0.0


@dataclass(frozen=True)
class SeenClaim:
    """A claim in the folder.

    Attributes:
        number: of the segment.
        owner: None if the file is damaged.
        age: seconds since the last touch.
        held: seconds since the segment was claimed; 0 if that is unknown.
        repeat: whether it is a second claim, to repeat a slow segment.
    """

    number: int
    owner: Claim | None
    age: float
    held: float = 0.0
    repeat: bool = False


def own_claim() -> Claim:
    """Return a claim for a new worker of this process."""
    process = psutil.Process()
    host = socket.gethostname()
    name = f"{plain_host(host)}-{process.pid}-{secrets.token_hex(3)}"
    return Claim(name, host, process_system(), process.pid, process.create_time())


class Claims:
    """The claims of one worker; a context manager that touches them and gives them up at its end.

    Args:
        folder: of the job.
        owner: the worker; by default a new one.
        lease: seconds without a touch after which claims of others are taken over.
        beat: seconds between touches.
    """

    def __init__(
        self, folder: Path, owner: Claim | None = None, lease: float = LEASE, beat: float = BEAT
    ) -> None:
        self.owner = owner or own_claim()
        self._folder, self._lease, self._beat = folder, lease, beat
        self._held: set[Path] = set()
        self._watched: dict[Path, tuple[object, float]] = {}  # a claim -> its state, since when
        # How far the file system's clock is ahead of our monotonic clock, and when it was read.
        self._clock_ahead = 0.0, -inf
        self._changes, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._touch_held, daemon=True)

    def __enter__(self) -> Claims:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        for path in list(self._held):
            self._remove(path)
        with suppress(OSError):
            self._clock().unlink()

    def take(self, number: int, suffix: str = CLAIM) -> bool:
        """Claim a segment, or take it over if its worker is gone; return whether it is ours now."""
        return self.take_free(number, suffix) or (
            self._take_away(self._path(number, suffix)) and self.take_free(number, suffix)
        )

    def take_free(self, number: int, suffix: str = CLAIM) -> bool:
        """Claim a segment if it is unclaimed; return whether this worker got it.

        Raises:
            OSError: the claim cannot be written; then there is none.
        """
        path = self._path(number, suffix)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                taken = os.fstat(file.fileno()).st_mtime
                json.dump(asdict(replace(self.owner, taken=taken)), file)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        with self._changes:
            self._held.add(path)
        return True

    def give_up(self, number: int) -> None:
        """Remove our claims on a segment, unless another worker has taken them over."""
        for suffix in (CLAIM, REPEAT):
            self._remove(self._path(number, suffix))

    def keep(self, number: int) -> None:
        """Leave our claims on a finished segment in the folder, and stop touching them."""
        with self._changes:
            self._held -= {self._path(number, suffix) for suffix in (CLAIM, REPEAT)}

    def may_take_over(self, claim: SeenClaim) -> bool:
        """Return whether the worker of a claim is gone."""
        path = self._path(claim.number, REPEAT if claim.repeat else CLAIM)
        state = _state(path)
        return state is not None and self._is_lost(path, *state)

    def for_worker(self, owner: Claim) -> Claims:
        """Return the claims of another worker; the server acts for workers without the folder."""
        found = Claims(self._folder, owner, self._lease, self._beat)
        found._watched = self._watched
        return found

    def adopt(self, number: int) -> bool:
        """Hold the claims on a segment that are in our name; return whether there is one."""
        paths = {self._path(number, suffix) for suffix in (CLAIM, REPEAT)}
        ours = {path for path in paths if self._is_ours(path)}
        with self._changes:
            self._held |= ours
        return bool(ours)

    def touch(self) -> None:
        """Touch the claims that we hold."""
        with self._changes:
            held = list(self._held)
        for path in held:
            with suppress(OSError):  # the folder may be gone, or out of reach for a while
                if self._is_ours(path):
                    os.utime(path)

    def numbers(self) -> set[int]:
        """Return the numbers of the segments that have a claim."""
        stems = {path.name[: -len(CLAIM)] for path in self._folder.glob(f"*{CLAIM}")}
        return {int(stem) for stem in stems if stem.isdecimal()}

    def seen(self, among: Container[int] | None = None) -> list[SeenClaim]:
        """Return the claims in the folder, those touched longest ago first.

        Args:
            among: numbers of segments; by default all.
        """
        now, found = self.now(), []
        for path in self._folder.glob(f"*{CLAIM}"):
            stem, *kind = path.name[: -len(CLAIM)].split(".")
            if not stem.isdecimal() or (among is not None and int(stem) not in among):
                continue
            if (state := _state(path)) is None:
                continue
            owner, touched = state
            held = now - owner.taken if owner is not None and owner.taken else 0.0
            found.append(SeenClaim(int(stem), owner, now - touched, held, bool(kind)))
        return sorted(found, key=lambda claim: -claim.age)

    def _remove(self, path: Path) -> None:
        with self._changes:
            held = path in self._held
            self._held.discard(path)
        if held and self._is_ours(path):
            path.unlink(missing_ok=True)

    def _is_ours(self, path: Path) -> bool:
        state = _state(path)
        owner = state[0] if state else None
        return owner is not None and owner.worker == self.owner.worker

    def _take_away(self, path: Path) -> bool:
        """Remove a claim whose worker is gone; return whether the segment is free now."""
        state = _state(path)
        if state is None:
            return not path.exists()
        if not self._is_lost(path, *state):
            return False
        aside = self._folder / f"{path.name[: -len(CLAIM)]}.{self.owner.worker}.old"
        with suppress(OSError):
            path.replace(aside)
            moved = _state(aside)
            if moved != state:  # another worker was faster: it is that worker's new claim
                with suppress(OSError):
                    os.link(aside, path)
            aside.unlink()
            return moved == state
        return False

    def _is_lost(self, path: Path, owner: Claim | None, touched: float) -> bool:
        known, since = self._watched.get(path, (None, 0.0))
        if known != (owner, touched):
            since = time.monotonic()
            self._watched[path] = ((owner, touched), since)
        unchanged = time.monotonic() - since
        return _is_dead(owner) or is_lost(unchanged, self.now() - touched, self._lease)

    def now(self) -> float:
        """Return the time by the clock of the folder's file system, which is read once a minute."""
        ahead, read = self._clock_ahead
        if time.monotonic() - read >= CLOCK_READ:
            clock = self._clock()
            clock.touch()
            read = time.monotonic()
            ahead = clock.stat().st_mtime - read
            self._clock_ahead = ahead, read
        return ahead + time.monotonic()

    def _clock(self) -> Path:
        return self._folder / f"clock.{self.owner.worker}"

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number:06d}{suffix}"

    def _touch_held(self) -> None:
        while not self._stop.wait(self._beat):
            self.touch()


def _state(path: Path) -> tuple[Claim | None, float] | None:
    """Return the claim in a file (None if it is damaged) and its last touch; None if it is missing.

    The file is opened for it: then NFS asks the server, and does not answer from its cache.
    """
    try:
        with path.open(encoding="utf-8") as file:
            touched = os.fstat(file.fileno()).st_mtime
            try:
                return Claim(**json.load(file)), touched
            except (ValueError, TypeError):
                return None, touched
    except OSError:
        return None


def _is_dead(claim: Claim | None) -> bool:
    """Return whether a claim's process ran on this machine and has ended."""
    here = (socket.gethostname(), process_system())
    if claim is None or (claim.host, claim.system) != here:
        return False
    return has_ended(claim.process, claim.started)
