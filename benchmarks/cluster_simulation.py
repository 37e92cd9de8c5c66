"""How long does a 3-hour 4K film take with 1 to 1,000 workers that fail, lag and share an NFS disk?

python benchmarks/cluster_simulation.py [--row 4.0 100 100 60] [--seeds 3]

A simulation of events. The workers choose, take over and repeat segments with the classes and the
constants of cdfi (``ClaimedSegments``, ``scheduling``); machines, failures and the file server are
models, whose constants are below.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from bisect import bisect
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

from cdfi.video.jobs import claimed
from cdfi.video.jobs.claimed import CHECK, ClaimedSegments
from cdfi.video.jobs.claims import CLAIM, REPEAT, SeenClaim, own_claim
from cdfi.video.jobs.scheduling import BEAT, LEASE, is_lost
from cdfi.video.options import Options

NAMES = ("seconds of a frame", "workers", "segment", "lease")
#: A GPU takes about 0.25 s for a source frame at 4K, a small machine without one 4 s.
ROWS = [
    *((4.0, workers, Options().segment, LEASE) for workers in (1, 10, 100)),
    *((0.25, workers, Options().segment, LEASE) for workers in (1, 10, 100)),
    *((4.0, 100, segment, LEASE) for segment in (25, 50, 200, 400)),
    *((4.0, 100, Options().segment, lease) for lease in (20.0, 30.0, 120.0, 300.0)),
    *((4.0, 1000, segment, LEASE) for segment in (Options().segment, 50, 25)),
]
FRAMES = 3 * 3600 * 24  # source frames of the film
START = 20.0  # seconds until a new worker has imported, planned and loaded its network
SEEK = 2.0  # seconds to seek, decode and fill the pipeline, unless the segment before was made
SPREAD = 0.15  # standard deviation of the logarithm of the workers' speed
STRAGGLERS, SLOWNESS = 0.05, 4.0  # how many workers are so many times slower
DEATHS = 8.0  # hours between two deaths of a worker, on average; it comes back
RESTART = 120.0  # seconds after which a dead worker is replaced by a new one
HANGS = 400.0  # hours after which a worker hangs, on average; its claim stays alive
NOTICED = 3600.0  # seconds after which a person replaces a worker that hangs
LATE = 30.0  # seconds by which a listing of the folder is out of date, at most (NFS: acdirmin)
MOMENT = 5.0  # seconds: the folder is shown as it was at multiples of it, which saves time here
OPERATIONS = 5000.0  # of the file server in a second
OWNER = own_claim()  # of claims of others, which the simulation tells apart by objects
PAGE = 500  # names in one answer to a listing


@dataclass
class Taken:
    """A claim of the simulated folder."""

    worker: Worker
    taken: float

    def touched(self, now: float) -> float:
        """Return when it was last touched."""
        end = min(now, self.worker.dead_at)
        return end - (end - self.taken) % BEAT


@dataclass
class Folder:
    """The folder, its file server, and the clock of the simulation."""

    segments: int
    lease: float
    random: Random
    now: float = 0.0
    recorded: dict[int, float] = field(default_factory=dict)
    claims: dict[tuple[int, str], Taken] = field(default_factory=dict)
    records: list[tuple[float, int]] = field(default_factory=list)  # in order of time, as above
    created: list[tuple[float, int]] = field(default_factory=list)  # claims, in order of time
    removed: set[int] = field(default_factory=set)  # claims that are not there any more
    operations: int = 0
    busy_until: float = 0.0
    stolen: int = 0
    repeats: int = 0
    _listings: dict[int, dict[float, frozenset[int]]] = field(default_factory=dict)

    def remove(self, key: tuple[int, str]) -> None:
        """Remove a claim."""
        del self.claims[key]
        if key[1] == CLAIM:
            self.removed.add(key[0])

    def ask(self, operations: int) -> None:
        """Use the file server."""
        self.operations += operations
        self.busy_until = max(self.busy_until, self.now) + operations / OPERATIONS

    def listed(self, events: list[tuple[float, int]]) -> frozenset[int]:
        """List the folder; return the numbers in ``events``, without the newest ones."""
        self.ask(1 + (len(self.claims) + 2 * len(self.recorded)) // PAGE)
        moment = (self.now - self.random.uniform(0, LATE)) // MOMENT * MOMENT
        kept = self._listings.setdefault(id(events), {})
        if moment not in kept:
            shown = events[: bisect(events, (moment, self.segments))]
            kept[moment] = frozenset(number for _, number in shown)
            if len(kept) > 2 * LATE / MOMENT:
                del kept[min(kept)]
        return kept[moment]

    def claim(self, key: tuple[int, str], worker: Worker) -> None:
        """Create a claim."""
        self.claims[key] = Taken(worker, self.now)
        self.created.append((self.now, key[0]))
        self.removed.discard(key[0])

    def record(self, number: int) -> None:
        """Finish a segment."""
        if number not in self.recorded:
            self.recorded[number] = self.now
            self.records.append((self.now, number))


@dataclass(eq=False)
class FolderClaims:
    """The claims of one worker: ``Claims`` on the simulated folder."""

    folder: Folder
    worker: Worker

    def __post_init__(self) -> None:
        self.owner = SimpleNamespace(worker=str(self.worker.number))
        self._watched: dict[tuple[int, str], tuple[tuple[Worker, float], float]] = {}

    def take_free(self, number: int, suffix: str = CLAIM) -> bool:
        self.folder.ask(1)
        if (number, suffix) in self.folder.claims:
            return False
        self.folder.repeats += suffix == REPEAT
        self.folder.claim((number, suffix), self.worker)
        return True

    def take(self, number: int, suffix: str = CLAIM) -> bool:
        key, now = (number, suffix), self.folder.now
        if key in self.folder.claims:
            self.folder.ask(3)
            claim = self.folder.claims[key]
            state = claim.worker, claim.touched(now)
            known, since = self._watched.get(key, (None, now))
            if known != state:
                since = now
                self._watched[key] = state, since
            if not is_lost(now - since, now - state[1], self.folder.lease):
                return False
            self.folder.stolen += 1
            self.folder.remove(key)
        return self.take_free(number, suffix)

    def give_up(self, number: int) -> None:
        for suffix in (CLAIM, REPEAT):
            claim = self.folder.claims.get((number, suffix))
            if claim is not None and claim.worker is self.worker:
                self.folder.remove((number, suffix))

    def keep(self, number: int) -> None:
        """The claim of a finished segment stays."""

    def numbers(self) -> set[int]:
        return {
            n for n in self.folder.listed(self.folder.created) if (n, CLAIM) in self.folder.claims
        }

    def seen(self, among: Collection[int]) -> list[SeenClaim]:
        now, claims = self.folder.now, self.folder.claims
        keys = [(number, suffix) for number in among for suffix in (CLAIM, REPEAT)]
        found = [(key, claims[key]) for key in keys if key in claims]
        self.folder.ask(3 * len(found))
        return [
            SeenClaim(number, OWNER, now - claim.touched(now), now - claim.taken, suffix == REPEAT)
            for (number, suffix), claim in found
            if claim.worker is not self.worker
        ]


class Work:
    """The records of the folder: the part of ``WorkFolder`` that ``ClaimedSegments`` uses."""

    is_served = True

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def recorded(self) -> frozenset[int]:
        return self._folder.listed(self._folder.records)


@dataclass(eq=False)
class Worker:
    """One worker; a new one replaces it after its death."""

    number: int
    speed: float
    dead_at: float
    hung_at: float
    queue: ClaimedSegments | None = None


class Simulation:
    """Runs the events of one film.

    Args:
        workers: how many work at a time.
        segment: source frames in a segment.
        lease: seconds.
        frame_seconds: that a usual worker takes for a source frame.
        seed: of the random numbers.
    """

    def __init__(
        self, workers: int, segment: int, lease: float, frame_seconds: float, seed: int
    ) -> None:
        self.random, self.segment = Random(seed), segment
        self.frame_seconds = frame_seconds
        self.folder = Folder(math.ceil(FRAMES / segment), lease, self.random)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.order = self.started = 0
        self.computed = 0.0  # frames, those made twice or lost included
        speeds = [self.random.lognormvariate(0, SPREAD) for _ in range(workers)]
        slow = [self.random.random() < STRAGGLERS and workers > 1 for _ in speeds]
        self.speeds = [v / SLOWNESS if s else v for v, s in zip(speeds, slow)]

    def run(self) -> dict[str, float]:
        """Simulate until all segments are finished; return the figures."""
        claimed.time = SimpleNamespace(monotonic=lambda: self.folder.now)  # type: ignore[attr-defined]
        for speed in self.speeds:
            self.start(speed)
        while len(self.folder.recorded) < self.folder.segments:
            self.folder.now, _, action = heapq.heappop(self.events)
            action()
        ideal = FRAMES * self.frame_seconds / sum(self.speeds)
        return {
            "ideal hours": round(ideal / 3600, 2),
            "hours": round(self.folder.now / 3600, 2),
            "over ideal %": round(100 * (self.folder.now / ideal - 1), 1),
            "stolen": self.folder.stolen,
            "repeats": self.folder.repeats,
            "work repeated or lost %": round(100 * (self.computed / FRAMES - 1), 1),
            "server operations per second": round(self.folder.operations / self.folder.now, 1),
        }

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Plan an event."""
        self.order += 1
        heapq.heappush(self.events, (time, self.order, action))

    def start(self, speed: float) -> None:
        """Start a worker."""
        begin = self.folder.now + START
        dead, hung = (begin + self.random.expovariate(1 / (h * 3600)) for h in (DEATHS, HANGS))
        if hung < dead:
            dead = hung + NOTICED
        worker = Worker(self.started, speed, dead, hung)
        self.started += 1
        job: Any = SimpleNamespace(boundaries=range(self.folder.segments), work=Work(self.folder))
        claims: Any = FolderClaims(self.folder, worker)
        worker.queue = ClaimedSegments(job, claims)
        self.at(dead + RESTART, lambda: self.start(speed))
        self.at(begin, lambda: self.look(worker))

    def look(self, worker: Worker) -> None:
        """Let a worker choose: a free range, one whose worker is gone, a slow one, or a pause."""
        queue = worker.queue
        assert queue is not None
        if self.folder.now >= min(worker.dead_at, worker.hung_at):
            return
        chosen = queue.next_range() or queue.next_repeat()
        begin = max(self.folder.now, self.folder.busy_until)
        if chosen is None:
            self.at(begin + queue.idle(), lambda: self.look(worker))
        else:
            self.make(worker, chosen, begin + SEEK)

    def make(self, worker: Worker, chosen: range, begin: float) -> None:
        """Make the first segment of a range."""
        end = begin + self.segment * self.frame_seconds / worker.speed
        if min(worker.dead_at, worker.hung_at) < end:
            self.computed += max(min(worker.dead_at, worker.hung_at) - begin, 0) / (
                self.frame_seconds / worker.speed
            )
            return
        check = begin + CHECK * math.ceil((end - begin) / CHECK / 2)  # in the middle of the work
        self.at(check, lambda: self.check(worker, chosen, begin, end))

    def check(self, worker: Worker, chosen: range, begin: float, end: float) -> None:
        """Leave a segment that another worker has finished; else look again, or finish it."""
        now = self.folder.now
        if self.folder.recorded.get(chosen[0], math.inf) <= now < end:
            self.computed += (now - begin) / (self.frame_seconds / worker.speed)
            self.look(worker)
        elif now + CHECK < end:
            self.at(now + CHECK, lambda: self.check(worker, chosen, begin, end))
        else:
            self.at(max(now, end), lambda: self.finish(worker, chosen))

    def finish(self, worker: Worker, chosen: range) -> None:
        """Record a segment, and continue with the next one of the range if it is free."""
        queue, number = worker.queue, chosen[0]
        assert queue is not None
        self.computed += self.segment
        self.folder.ask(6)
        self.folder.record(number)
        queue.done(number)
        if len(chosen) > 1 and queue.take(number + 1):
            self.make(worker, chosen[1:], max(self.folder.now, self.folder.busy_until))
        else:
            self.look(worker)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", type=float, nargs=4, action="append", help=", ".join(NAMES))
    parser.add_argument("--seeds", type=int, default=1, help="runs of each row; the mean is shown")
    words = parser.parse_args()
    for row in words.row or ROWS:
        frame_seconds, workers, segment, lease = row
        runs = [
            Simulation(int(workers), int(segment), lease, frame_seconds, seed).run()
            for seed in range(words.seeds)
        ]
        mean = {key: round(sum(run[key] for run in runs) / len(runs), 2) for key in runs[0]}
        print(json.dumps(dict(zip(NAMES, row)) | mean), flush=True)


if __name__ == "__main__":
    main()
