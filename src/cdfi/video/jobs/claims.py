"""Claims on segments: which worker makes which one, in a folder that several machines may share.

A claim is the file ``NNNNNN.claim``, created exclusively. Its worker touches it every ten seconds.
A claim that was not touched for a minute, or whose process is known to be dead, may be taken over.
Ages are differences of modification times in the folder, so the clocks of the machines do not
matter. If two workers make one segment after all, the second result replaces an equal one.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

LEASE = 60.0  # seconds without a touch after which a claim may be taken over
BEAT = 10.0  # seconds between touches


@dataclass(frozen=True)
class Claim:
    """What a claim says about its worker.

    Attributes:
        worker: a name that is unique for each worker.
        host: name of its machine.
        system: which processes its number counts among: those of a container have their own.
        process: its number there.
        started: when that process started, in seconds since 1970 by its machine's clock.
    """

    worker: str
    host: str
    system: str
    process: int
    started: float


@dataclass(frozen=True)
class SeenClaim:
    """A claim in the folder.

    Attributes:
        number: of the segment.
        owner: None if the file is damaged.
        age: seconds since the last touch.
    """

    number: int
    owner: Claim | None
    age: float


def own_claim() -> Claim:
    """Return a claim for a new worker of this process."""
    process = psutil.Process()
    host = socket.gethostname()
    name = f"{_plain(host)}-{process.pid}-{secrets.token_hex(3)}"
    return Claim(name, host, _system(), process.pid, process.create_time())


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
        self._held: set[int] = set()
        self._changes, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._touch_held, daemon=True)

    def __enter__(self) -> Claims:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        for number in list(self._held):
            self.give_up(number)
        with suppress(OSError):
            self._clock().unlink()

    def take(self, number: int) -> bool:
        """Claim a segment; return whether it is ours now."""
        path = self._path(number)
        for _ in range(2):
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            except FileExistsError:
                if not self._take_away(number):
                    return False
                continue
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(self.owner), file)
            with self._changes:
                self._held.add(number)
            return True
        return False

    def give_up(self, number: int) -> None:
        """Remove the claim on a segment, if it is still ours."""
        with self._changes:
            self._held.discard(number)
        if _read(self._path(number)) == self.owner:
            self._path(number).unlink(missing_ok=True)

    def seen(self) -> list[SeenClaim]:
        """Return all claims in the folder, those touched longest ago first."""
        now, found = self._now(), []
        for path in self._folder.glob("*.claim"):
            with suppress(OSError, ValueError):
                age = now - path.stat().st_mtime
                found.append(SeenClaim(int(path.stem), _read(path), age))
        return sorted(found, key=lambda claim: -claim.age)

    def _take_away(self, number: int) -> bool:
        """Move a claim aside whose worker is gone; return whether there was one."""
        path = self._path(number)
        try:
            age = self._now() - path.stat().st_mtime
        except FileNotFoundError:
            return True
        if age < self._lease and not _is_dead(_read(path)):
            return False
        aside = path.with_suffix(f".{self.owner.worker}.old")
        with suppress(OSError):
            path.replace(aside)
            aside.unlink()
        return True

    def _now(self) -> float:
        """Return the time by the clock of the folder's file system."""
        clock = self._clock()
        clock.touch()
        return clock.stat().st_mtime

    def _clock(self) -> Path:
        return self._folder / f"clock.{self.owner.worker}"

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.claim"

    def _touch_held(self) -> None:
        while not self._stop.wait(self._beat):
            with self._changes:
                held = list(self._held)
            for number in held:
                with suppress(OSError):  # the folder may be gone, or out of reach for a while
                    os.utime(self._path(number))


def _read(path: Path) -> Claim | None:
    """Return the claim in a file; None if it is missing or damaged."""
    try:
        return Claim(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _is_dead(claim: Claim | None) -> bool:
    """Return whether a claim's process ran on this machine and has ended."""
    if claim is None or (claim.host, claim.system) != (socket.gethostname(), _system()):
        return False
    try:
        started = float(psutil.Process(claim.process).create_time())
        return abs(started - claim.started) > 1
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _system() -> str:
    """Return what tells the process numbers of this system from those of others of its name."""
    parts = []
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _plain(name: str) -> str:
    """Return a machine's name with letters, digits and hyphens alone."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name)[:40]
