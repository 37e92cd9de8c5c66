"""The rules by which workers choose segments; ``benchmarks/cluster_simulation.py`` uses them too.

Nothing here reads a clock or a file: the functions decide by numbers that the caller has measured.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import pairwise
from random import Random

BEAT = 10.0  # seconds between touches of a claim
LEASE = 60.0  # seconds without a touch, seen by one observer, after which a claim is lost
SKEW = 120.0  # difference of the machines' clocks that does no harm, in seconds
POLL = 1.0  # seconds between two looks at a folder in which nothing is free
LONGEST_POLL = 30.0  # the pause doubles up to it, so that 1,000 idle workers flood no server
WATCHED = 16  # claims of others that an idle worker looks at: together the workers look at all
SETTLE = 10.0  # seconds in which a file system shows what another machine has renamed or removed
REPEAT_AFTER = 2.0  # times the usual time of a segment: an idle worker repeats older claims
UNKNOWN = 600.0  # seconds of a typical segment as long as none is finished


def is_lost(unchanged: float, age: float, lease: float = LEASE) -> bool:
    """Return whether a claim may be taken over.

    Args:
        unchanged: seconds for which the observer has seen the claim without a touch, by the
            observer's own clock. Clocks that differ do not matter for it.
        age: seconds since the last touch by the clock of the file system. Some file systems take
            the times from the machines, so a difference of clocks is allowed for.
        lease: seconds without a touch that make a claim lost.
    """
    return unchanged >= lease or age >= lease + SKEW


def pause(looks: int) -> float:
    """Return the seconds that an idle worker waits, from the number of vain searches in a row."""
    return min(POLL * 2.0 ** min(looks, 16), LONGEST_POLL)


def watched(pending: Iterable[int], at: float) -> list[int]:
    """Return the unfinished segments whose claims an idle worker looks at.

    Args:
        pending: numbers of the segments without a record.
        at: number of this worker in [0, 1), which decides where it begins.
    """
    numbers = sorted(pending)
    begin = int(at * len(numbers))
    return [*numbers[begin:], *numbers[:begin]][:WATCHED]


def may_repeat(held: float, typical: float | None) -> bool:
    """Return whether an idle worker makes a segment a second time.

    Args:
        held: seconds for which another worker has held it.
        typical: seconds that the idle worker needs for a segment; None if it has made none.
    """
    return held >= REPEAT_AFTER * (UNKNOWN if typical is None else typical)


def starts(free: Iterable[int], claimed: Container[int], random: Random) -> list[int]:
    """Return up to two segments to claim, the better one first.

    The first is the start of the longest run of free neighbours. If the segment before that run is
    being made, it is the run's middle: the worker before it will go on into the run. So each worker
    makes neighbours, which saves seeking in the source. The second is a random one, for the case
    that another worker has just chosen the same.

    Args:
        free: numbers of the segments that are neither finished nor claimed.
        claimed: numbers of the segments that are being made.
        random: of this worker.
    """
    numbers = sorted(free)
    if not numbers:
        return []
    edges = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(numbers)) if b > a + 1), len(numbers)]
    begin, end = max(pairwise(edges), key=lambda run: run[1] - run[0])
    is_followed = numbers[begin] - 1 in claimed
    return [numbers[(begin + end) // 2 if is_followed else begin], random.choice(numbers)]
