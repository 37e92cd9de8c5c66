"""Processes of the tests with many workers, and what is wrong with their machines."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdfi.interpolation import Interpolator
from cdfi.video import Encoding, ModelSpec, Options, interpolate_video
from cdfi.video.jobs import claimed
from cdfi.video.jobs.claims import Claims
from cdfi.video.jobs.folder_names import folder_name
from cdfi.video.work import work

OPTIONS = Options(encoding=Encoding(preset="ultrafast"), segment=4)


@dataclass(frozen=True)
class Machine:
    """A machine that a process pretends to run on.

    Attributes:
        name: of its host; processes of another host cannot be looked up.
        skew: by how many seconds its clock is ahead, on a file system that takes times from it.
        late: seconds after which it sees the renames of other machines.
        pause: seconds that each source frame takes in addition.
        lease: of claims, in seconds.
    """

    name: str = ""
    skew: float = 0.0
    late: float = 0.0
    pause: float = 0.0
    lease: float = 3.0

    def begin(self) -> None:
        """Change this process, which ends soon."""
        Claims.__init__.__defaults__ = (None, self.lease, self.lease / 6)  # type: ignore[attr-defined]
        claimed.CHECK = 0.5  # type: ignore[attr-defined]
        if self.name:
            socket.gethostname = lambda: self.name  # type: ignore[assignment]
        if self.skew:
            skew_times(self.skew)
        if self.late:
            show_late(self.late)
        if self.pause:
            slow_down(self.pause)


def plan(source: Path, target: Path, model: ModelSpec, machine: Machine, jobs: int | None) -> None:
    """Plan, wait and join; with ``jobs``, make segments in so many processes as well."""
    machine.begin()
    who: Any = {"workers": "external"} if jobs is None else {"jobs": jobs}
    interpolate_video(source, target, options=OPTIONS, model=model, **who)


def help_with(target: Path, machine: Machine) -> None:
    """Work on the job of a result as soon as it is planned."""
    machine.begin()
    folder = target.with_name(folder_name(target.name))
    while not (folder / "job.json").exists():
        time.sleep(0.02)
    work([folder])


def skew_times(seconds: float) -> None:
    """Let the files that this process touches get times of a clock that is ahead."""
    touch, take = os.utime, Claims.take_free

    def utime(path: Any, times: Any = None, **settings: Any) -> None:
        now = time.time() + seconds
        touch(path, times or (now, now), **settings)

    def take_free(self: Claims, number: int, *suffix: str) -> bool:
        if not take(self, number, *suffix):
            return False
        os.utime(self._path(number, *suffix or (".claim",)))
        return True

    os.utime = utime  # type: ignore[assignment]
    Claims.take_free = take_free  # type: ignore[method-assign, assignment]


def show_late(seconds: float) -> None:
    """Hide records and segments that another process has renamed within so many seconds.

    Records are hidden for half of the time, so that they are seen before their files.
    """
    replace, stat, iterdir, own = Path.replace, Path.stat, Path.iterdir, set[str]()

    def hidden(path: Path) -> bool:
        if str(path) in own or not path.name[:6].isdecimal():
            return False
        least = {".mkv": seconds, ".json": seconds / 2}.get(path.suffix, 0)
        return least > 0 and time.time() - stat(path).st_ctime < least

    def late_stat(self: Path, **settings: Any) -> os.stat_result:
        if hidden(self):
            raise FileNotFoundError(2, "not to be seen yet", str(self))
        return stat(self, **settings)

    def late_iterdir(self: Path) -> Any:
        for path in iterdir(self):
            try:
                if not hidden(path):
                    yield path
            except FileNotFoundError:  # removed meanwhile
                continue

    def own_replace(self: Path, target: Any) -> Path:
        own.add(str(target))
        return replace(self, target)

    Path.replace, Path.stat = own_replace, late_stat  # type: ignore[method-assign, assignment]
    Path.iterdir = late_iterdir  # type: ignore[method-assign]


def slow_down(seconds: float) -> None:
    """Let each source frame take longer."""
    between = Interpolator.between

    def slow(self: Interpolator, *arguments: Any) -> Any:
        time.sleep(seconds)
        return between(self, *arguments)

    Interpolator.between = slow  # type: ignore[method-assign]
