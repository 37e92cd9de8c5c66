"""Jumps of a file's clock, and one correction of the times of all its streams.

Recordings that were joined end to end restart their clock. Each stream then jumps, not all of them
at the same byte. Streams that jump together are found by their new times, and all of them are moved
by the same number of seconds, so that they stay in sync and no stream overlaps itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

BACKWARD = Fraction(1, 10)  # seconds; a decode time that falls back further is a jump
FORWARD = 10  # seconds; the same forwards, in formats whose clock may restart
NEAR = 5  # seconds between the times of streams that jump together
ALONE = 1  # seconds; a shorter jump of one stream of several is bad muxing, and kept
#: Seconds; a jump that leads back this near to an earlier clock continues that clock.
RESUMED = Fraction(1, 4)


@dataclass(frozen=True)
class ClockCorrection:
    """Seconds to add to the times of each stream's packets.

    Attributes:
        steps: for a stream's index, pairs (ordinal, seconds): from that packet of the stream on
            (counted from 0 in file order), ``seconds`` are added. Streams without steps are right.
        jumps: how often the clock jumps.
    """

    steps: Mapping[int, tuple[tuple[int, Fraction], ...]] = field(default_factory=dict)
    jumps: int = 0

    @property
    def largest(self) -> Fraction:
        """The largest correction, in seconds."""
        return max((s for found in self.steps.values() for _, s in found), default=Fraction(0))

    def seconds(self, stream: int) -> Iterator[Fraction]:
        """Yield what to add to each packet of ``stream``, in file order, without end."""
        steps = [*self.steps.get(stream, ())]
        ordinal, current = 0, Fraction(0)
        while True:
            while steps and steps[0][0] <= ordinal:
                current = steps.pop(0)[1]
            yield current
            ordinal += 1


@dataclass
class _Run:
    """Packets of a stream that share a clock; times in ticks of the stream."""

    ordinal: int
    order: int
    low: int
    high: int
    group: int = 0


@dataclass
class _Stream:
    """What was seen of one stream; ``marks`` are (order, ordinal, time) of sparse packets."""

    time_base: Fraction
    dense: bool
    count: int = 0
    last: int | None = None
    runs: list[_Run] = field(default_factory=list)
    marks: list[tuple[int, int, int]] = field(default_factory=list)

    def low(self, run: _Run) -> Fraction:
        return run.low * self.time_base

    def high(self, run: _Run) -> Fraction:
        return run.high * self.time_base


@dataclass
class _Group:
    """A jump that several streams share; ``low`` and ``high``: its clock's range in seconds."""

    order: int
    before: Fraction
    low: Fraction
    high: Fraction
    members: dict[int, _Run] = field(default_factory=dict)
    offset: Fraction = Fraction(0)


class DiscontinuityFinder:
    """Finds the jumps in the packet times of a file, read once from its start to its end."""

    def __init__(self, may_skip: bool) -> None:
        """Start; ``may_skip``: the format's clock may also jump forward (MPEG-TS and the like)."""
        self._may_skip = may_skip
        self._order = 0
        self._streams: dict[int, _Stream] = {}

    def add(
        self,
        stream: int,
        time_base: Fraction,
        *,
        dts: int | None,
        pts: int | None,
        duration: int,
        dense: bool,
    ) -> None:
        """Record the times of the next packet, in file order.

        Args:
            stream: the index of its stream.
            time_base: the length of a tick of its times, in seconds.
            dts: its decode time.
            pts: its presentation time.
            duration: its length in ticks, 0 if unknown.
            dense: the stream has a packet for every instant (sound, video), unlike subtitles.
        """
        seen = self._streams.setdefault(stream, _Stream(time_base, dense))
        ordinal, seen.count = seen.count, seen.count + 1
        self._order += 1
        shown = pts if pts is not None else dts
        if shown is None:
            return
        if not dense:
            seen.marks.append((self._order, ordinal, shown))
        elif not seen.runs or self._is_jump(seen, dts):
            seen.runs.append(_Run(ordinal, self._order, shown, shown + duration))
        else:
            run = seen.runs[-1]
            run.low, run.high = min(run.low, shown), max(run.high, shown + duration)
        seen.last = seen.last if dts is None else dts

    def _is_jump(self, seen: _Stream, dts: int | None) -> bool:
        if dts is None or seen.last is None:
            return False
        step = (dts - seen.last) * seen.time_base
        return step < -BACKWARD or (self._may_skip and step > FORWARD)

    def correction(self) -> ClockCorrection:
        """Return the correction of what was added."""
        groups = self._groups()
        if len(groups) == 1:
            return ClockCorrection()
        self._choose_offsets(groups)
        steps = {index: tuple(self._steps(seen, groups)) for index, seen in self._streams.items()}
        used = {index: found for index, found in steps.items() if any(s for _, s in found)}
        return ClockCorrection(used, len(groups) - 1)

    def _groups(self) -> list[_Group]:
        """Return the beginning of the file, and the jumps after it in file order."""
        groups = [_Group(0, Fraction(0), Fraction(0), Fraction(0))]
        starts = [
            (run.order, index, number)
            for index, seen in self._streams.items()
            for number, run in enumerate(seen.runs)
        ]
        for _, index, number in sorted(starts):
            seen = self._streams[index]
            run = seen.runs[number]
            if number == 0:
                run.group = _clock_at(groups, run.order, seen.low(run))
            else:
                before = seen.runs[number - 1]
                run.group = _shared(groups, seen, before, run)
                if run.group == len(groups):
                    low, high = seen.low(run), seen.high(run)
                    groups.append(_Group(run.order, seen.high(before), low, high))
            _join(groups[run.group], index, seen, run)
        return groups

    def _choose_offsets(self, groups: list[_Group]) -> None:
        """Choose the offset of each group: no member overlaps itself, one touches its end."""
        dense = sum(seen.dense for seen in self._streams.values())
        for number, group in enumerate(groups[1:], 1):
            needed = []
            for index, run in group.members.items():
                seen = self._streams[index]
                before = [other for other in seen.runs if other.ordinal < run.ordinal]
                if before:
                    end = seen.high(before[-1]) + groups[before[-1].group].offset
                    needed.append((end - seen.low(run), groups[before[-1].group].offset))
            offset = max(value for value, _ in needed)
            resumed = [
                earlier.offset
                for earlier in groups[:number]
                if all(-BACKWARD <= earlier.offset - value <= RESUMED for value, _ in needed)
            ]
            if len(needed) == 1 and dense > 1 and abs(offset - needed[0][1]) < ALONE:
                offset = needed[0][1]
            group.offset = resumed[-1] if resumed else offset

    def _steps(self, seen: _Stream, groups: list[_Group]) -> Iterator[tuple[int, Fraction]]:
        if seen.dense:
            yield from ((run.ordinal, groups[run.group].offset) for run in seen.runs)
            return
        current = Fraction(0)
        for order, ordinal, time in seen.marks:
            group = groups[_clock_at(groups, order, time * seen.time_base)]
            if group.offset != current:
                current = group.offset
                yield ordinal, current


def _join(group: _Group, index: int, seen: _Stream, run: _Run) -> None:
    if group.members:
        group.low = min(group.low, seen.low(run))
        group.high = max(group.high, seen.high(run))
    else:
        group.low, group.high = seen.low(run), seen.high(run)
    group.members[index] = run


def _shared(groups: list[_Group], seen: _Stream, before: _Run, run: _Run) -> int:
    """Return the number of the jump that ``run`` begins with; len(groups) for a new one."""
    for number in range(before.group + 1, len(groups)):
        group = groups[number]
        near = abs(group.low - seen.low(run)) <= NEAR
        if near and abs(group.before - seen.high(before)) <= NEAR:
            return number
    return len(groups)


def _clock_at(groups: list[_Group], order: int, time: Fraction) -> int:
    """Return the group whose clock a packet without a jump of its own follows."""
    by_order = max(n for n, group in enumerate(groups) if group.order <= order)
    for number in (by_order, by_order - 1, by_order + 1):
        if 0 <= number < len(groups) and groups[number].members:
            group = groups[number]
            if group.low - NEAR <= time <= group.high + NEAR:
                return number
    return by_order
