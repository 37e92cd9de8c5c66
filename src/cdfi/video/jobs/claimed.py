"""Make the unfinished segments of a job together with other workers: claim one, make it, repeat."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random
from statistics import median

from cdfi.video.jobs.claims import REPEAT, Claims, SeenClaim
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.jobs.scheduling import POLL, may_repeat, pause, starts, watched
from cdfi.video.jobs.segments import OnProgress, SegmentQueue, make_segments
from cdfi.video.jobs.watch import JobWatch

CHECK = 10.0  # seconds between two checks that a segment in progress is still needed


class ClaimedSegments(SegmentQueue):
    """The segments of a job that are neither finished nor claimed by other workers.

    Args:
        job: that they belong to.
        claims: of this worker.
    """

    def __init__(self, job: Job, claims: Claims) -> None:
        self.job, self._claims = job, claims
        self._all = set(range(len(job.boundaries)))
        self._random = Random(claims.owner.worker)
        self._place = self._random.random()  # where it begins to look at the claims of others
        self._idle_looks = 0  # in a row
        self._started: dict[int, float] = {}  # our segments -> time by the monotonic clock
        self._took: list[float] = []  # seconds that each of our segments took
        self._checked = time.monotonic()  # when a segment in progress was last looked up
        self._frames: dict[int, int] = {}  # finished segments -> their number of frames

    def pending(self) -> set[int]:
        """Return the numbers of the segments without a record, by a look at the folder."""
        return self._all - self.job.work.recorded()

    def take(self, number: int) -> bool:
        """Claim a segment; return whether it is ours and still unfinished."""
        return self._claims.take_free(number) and self._start(number)

    def seconds(self, number: int) -> float:
        """Return for how long this worker has been making a segment."""
        return time.monotonic() - self._started.get(number, time.monotonic())

    def done(self, number: int) -> None:
        """Keep the claim on a finished segment, so that no other worker encodes it again."""
        self._took.append(self.seconds(number))
        self._claims.keep(number)

    def is_needed(self, number: int) -> bool:
        """Return whether a segment in progress has no record yet; look every ten seconds."""
        if time.monotonic() - self._checked < CHECK:
            return True
        self._checked = time.monotonic()
        if self.job.work.is_served and self.job.work.record(number) is None:
            return True
        self._claims.give_up(number)
        return False

    def next_range(self) -> range | None:
        """Claim a free segment; return it with the free ones that follow it, or None.

        If none is free, take over one whose worker is gone.
        """
        tried: set[int] = set()  # a file system may show claims late
        while free := (pending := self.pending()) - (claimed := self._claims.numbers()) - tried:
            for number in starts(free, pending & claimed, self._random):
                if self.take(number):
                    return _run_of_free(number, free)
                tried.add(number)
        for number in watched(pending, self._place):
            if self._claims.take(number) and self._start(number):
                return range(number, number + 1)
        return None

    def next_repeat(self) -> range | None:
        """Claim a second time what another worker has held for long; return it, or None."""
        seen = self._claims.seen(watched(self.pending(), self._place))
        repeated = {claim.number for claim in seen if claim.repeat}
        typical = median(self._took) if self._took else None
        for claim in sorted(seen, key=lambda claim: -claim.held):
            if not self._may_repeat(claim, typical):
                continue
            has_repeat = claim.number in repeated  # then its worker must be gone
            take = self._claims.take if has_repeat else self._claims.take_free
            if take(claim.number, REPEAT) and self._start(claim.number):
                return range(claim.number, claim.number + 1)
        return None

    def idle(self) -> float:
        """Return for how many seconds to wait before the next look: longer each time."""
        self._idle_looks += 1
        return pause(self._idle_looks - 1)

    def finished_frames(self) -> int:
        """Return how many frames the finished segments hold."""
        for number in self.job.work.recorded() - self._frames.keys():
            if (record := self.job.work.record(number)) is not None:
                self._frames[number] = len(record.times)
        return sum(self._frames.values())

    def _start(self, number: int) -> bool:
        """Start a claimed segment; return False if it is finished or the job has ended."""
        if number not in self.pending() or not self.job.work.is_served:
            self._claims.give_up(number)
            return False
        self._started[number] = time.monotonic()
        self._idle_looks = 0
        return True

    def _may_repeat(self, claim: SeenClaim, typical: float | None) -> bool:
        mine = claim.owner is not None and claim.owner.worker == self._claims.owner.worker
        return not claim.repeat and not mine and may_repeat(claim.held, typical)


def make_claimed(
    queue: ClaimedSegments,
    interpolator: Callable[[], FrameInterpolator],
    on_progress: OnProgress,
    watch: JobWatch | None = None,
    *,
    once: bool = False,
) -> Counter[str]:
    """Make segments until none is free; return the reader's warnings, with how often each occurred.

    Args:
        queue: the segments.
        interpolator: builds the network; called before the first segment.
        on_progress: called with the number of frames written since its last call.
        watch: called with each frame.
        once: return after one segment.
    """
    notes: Counter[str] = Counter()
    while (segments := queue.next_range()) is not None:
        chosen = segments[:1] if once else segments
        made = make_segments(queue.job, interpolator(), chosen, on_progress, watch, queue)
        notes.update(made)
        if once:
            break
    return notes


def wait_for_others(
    queue: ClaimedSegments,
    interpolator: Callable[[], FrameInterpolator] | None,
    on_progress: OnProgress,
    on_wait: Callable[[int], None],
) -> Counter[str]:
    """Wait until every segment has a record; make those whose worker is gone or far too slow.

    Args:
        queue: the segments.
        interpolator: builds the network; None if this process only waits.
        on_progress: called with the number of frames written since its last call.
        on_wait: called again and again with the number of frames in all finished segments.
    """
    notes: Counter[str] = Counter()
    while queue.pending():
        on_wait(queue.finished_frames())
        segments = queue.next_range() or queue.next_repeat() if interpolator else None
        if segments is None or interpolator is None:
            time.sleep(POLL)
            continue
        made = make_segments(queue.job, interpolator(), segments, on_progress, None, queue)
        notes.update(made)
    on_wait(queue.finished_frames())
    return notes


def _run_of_free(number: int, free: set[int]) -> range:
    """Return the range of neighbours in ``free`` that begins with ``number``."""
    end = number + 1
    while end in free:
        end += 1
    return range(number, end)
