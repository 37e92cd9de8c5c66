"""Make the missing segments of a job beside other workers: take a claim, make it, take the next."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from cdfi.video.jobs.claims import Claims, SeenClaim
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.jobs.segments import OnProgress, SegmentQueue, make_segments
from cdfi.video.jobs.watch import JobWatch

POLL = 1.0  # seconds between looks at a folder in which others still work
REPEAT_AFTER = 2.0  # an idle worker repeats a claim older than so many of its own longest segments


class ClaimedSegments(SegmentQueue):
    """The segments of a job that are neither finished nor claimed by other workers.

    Args:
        job: that they belong to.
        claims: of this worker.
    """

    def __init__(self, job: Job, claims: Claims) -> None:
        self.job, self._claims = job, claims
        self._pending = set(range(len(job.boundaries)))
        self._begun: dict[int, float] = {}
        self._first_seen: dict[tuple[int, str], float] = {}
        self._longest = 0.0  # seconds that one of our segments took

    def refresh(self) -> set[int]:
        """Look at the folder; return the segments without a record."""
        self._pending -= self.job.work.recorded()
        return set(self._pending)

    def take(self, number: int) -> bool:
        """Claim a segment; return whether it is ours and still unfinished."""
        if number not in self._pending or not self._claims.take(number):
            return False
        if number not in self.refresh():  # finished just before its claim was given up
            self._claims.give_up(number)
            return False
        self._begun[number] = time.monotonic()
        return True

    def done(self, number: int) -> None:
        """Give up the claim on a finished segment."""
        begun = self._begun.pop(number, None)
        if begun is not None:
            self._longest = max(self._longest, time.monotonic() - begun)
        self._claims.give_up(number)
        self._pending.discard(number)

    def next_range(self) -> range | None:
        """Claim the first free segment; return it with the unfinished ones that follow it."""
        pending = self.refresh()
        claimed = {claim.number for claim in self._claims.seen()}
        for free in (sorted(pending - claimed), sorted(pending & claimed)):
            for number in free:
                if self.take(number):
                    end = number + 1
                    while end in self._pending:
                        end += 1
                    return range(number, end)
        return None

    def next_repeat(self) -> range | None:
        """Return a segment that another worker has had for long, to be made a second time."""
        now = time.monotonic()
        waited = [(self._waited(claim, now), claim.number) for claim in self._claims.seen()]
        slow = [(age, number) for age, number in waited if number in self._pending]
        if not slow or not self._longest or max(slow)[0] < REPEAT_AFTER * self._longest:
            return None
        number = max(slow)[1]
        return range(number, number + 1)

    def _waited(self, claim: SeenClaim, now: float) -> float:
        """Return for how many seconds a claim has been seen here."""
        key = (claim.number, claim.owner.worker if claim.owner else "")
        return now - self._first_seen.setdefault(key, now)


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
) -> Counter[str]:
    """Wait until every segment has a record; make those whose worker is gone or far too slow.

    Args:
        queue: the segments.
        interpolator: builds the network; None if this process only waits.
        on_progress: called with the number of frames written since its last call, and with 0.
    """
    notes: Counter[str] = Counter()
    while queue.refresh():
        segments = queue.next_range() or queue.next_repeat() if interpolator else None
        if segments is None or interpolator is None:
            on_progress(0)
            time.sleep(POLL)
            continue
        made = make_segments(queue.job, interpolator(), segments, on_progress, None, queue)
        notes.update(made)
    return notes
