"""The instants of the result, as exact numbers."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdfi.video.timing.timeline import (
    TOLERANCE,
    ConstantRateTimeline,
    MultipliedTimeline,
    instants,
    tolerance,
)

bases = st.sampled_from(
    [Fraction(1, 1000), Fraction(1, 600), Fraction(1, 90000), Fraction(1001, 24000)]
)
gaps = st.lists(st.integers(1, 300), min_size=1, max_size=8)
untimed = settings(deadline=None)
starts = st.integers(-(10**6), 10**6)


def ascending(start: int, steps: list[int]) -> list[int]:
    times = [start]
    for step in steps:
        times.append(times[-1] + step)
    return times


@untimed
@given(bases, starts, gaps, st.integers(2, 9), st.integers(1, 5))
def test_a_factor_keeps_every_source_time_and_divides_the_gaps_evenly(base, start, steps, n, slow):
    times = ascending(start, steps)
    timeline = MultipliedTimeline(base, start, n, slow)
    for left, right in itertools.pairwise(times):
        ticks = [*timeline.ticks(left, right), int(timeline.at(right))]
        seconds = [tick * timeline.time_base for tick in ticks]
        assert seconds[0] == (start + (left - start) * slow) * base
        step = (right - left) * slow * base / n
        assert [later - sooner for sooner, later in itertools.pairwise(seconds)] == [step] * n


@pytest.mark.long
@untimed
@given(bases, starts, gaps, st.sampled_from([Fraction(60), Fraction(60000, 1001), Fraction(25, 3)]))
def test_a_rate_gives_every_instant_of_its_grid_once(base, start, steps, rate):
    times = ascending(start, steps)
    timeline = ConstantRateTimeline(base, start, rate)
    ticks = [tick for pair in itertools.pairwise(times) for tick in timeline.ticks(*pair)]
    ticks += timeline.tail(times[-1], times[-1] + steps[-1])
    seconds = [tick * timeline.time_base for tick in ticks]
    assert seconds == [start * base + number / rate for number in range(len(seconds))]
    assert seconds[-1] < (times[-1] + steps[-1]) * base <= seconds[-1] + 1 / rate


@untimed
@given(bases, starts, gaps, st.integers(2, 70))
def test_instants_ascend_and_are_near_their_true_position(base, start, steps, n):
    times = ascending(start, steps)
    timeline = MultipliedTimeline(base, start, n)
    places = instants(timeline, times)
    assert [place.pts for place in places] == sorted({place.pts for place in places})
    low, high = timeline.at(times[0]), timeline.at(times[-1])
    for place in places:
        assert 0 <= place.t <= 1
        assert abs(place.t - (place.pts - low) / (high - low)) < tolerance(len(places)) <= TOLERANCE


def test_an_hour_of_23_976_does_not_drift():
    base, rate = Fraction(1, 24000), Fraction(60000, 1001)
    frames = 24 * 3600
    timeline = ConstantRateTimeline(base, 0, rate)
    ticks = [
        tick
        for number in (0, frames // 2, frames - 1)
        for tick in timeline.ticks(number * 1001, (number + 1) * 1001)
    ]
    for tick in ticks:
        assert (tick * timeline.time_base * rate).denominator == 1


def test_an_instant_that_meets_a_source_frame_is_that_frame():
    places = instants(ConstantRateTimeline(Fraction(1, 24), 0, Fraction(60)), [0, 1])
    assert [place.t for place in places] == [0, Fraction(2, 5), Fraction(4, 5)]


def test_a_source_time_rounded_to_milliseconds_still_meets_the_grid():
    timeline = ConstantRateTimeline(Fraction(1, 1000), 33, Fraction(60))
    assert instants(timeline, [33, 67])[0].t == 0
    assert [place.t for place in instants(timeline, [67, 100])][-1] != 0


@pytest.mark.parametrize("count", [1, 2, 3, 16, 100])
def test_the_tolerance_never_lets_two_instants_meet(count):
    assert tolerance(count) * 2 <= Fraction(1, count) or tolerance(count) == TOLERANCE


def test_an_exact_timeline_shows_a_source_frame_only_at_its_time() -> None:
    base, gap = Fraction(1, 24000), [1001, 2002]
    held, exact = (
        [i.t for i in instants(ConstantRateTimeline(base, 0, Fraction(60), exact=exact), gap)]
        for exact in (False, True)
    )
    assert held[0] == exact[0] == (Fraction(3, 60) - 1001 * base) / (1001 * base)
    late = [30030 + 1001 * 10, 30030 + 1001 * 11]
    held, exact = (
        [i.t for i in instants(ConstantRateTimeline(base, 0, Fraction(60), exact=exact), late)]
        for exact in (False, True)
    )
    assert len(held) == len(exact)
    assert all(0 < t < 1 for t in exact)


def test_an_exact_timeline_allows_for_the_rounding_of_source_times() -> None:
    rounded = [0, 42, 83, 125]  # 24 frames a second in milliseconds
    timeline = ConstantRateTimeline(Fraction(1, 1000), 0, Fraction(48), exact=True)
    found = [i.t for pair in itertools.pairwise(rounded) for i in instants(timeline, pair)]
    between = [t for t in found if t not in (0, 1)]
    assert len(found) == 6
    assert len(between) == 3
    assert all(0.4 < t < 0.6 for t in between)


def test_rounding_is_counted_in_ticks_of_the_slowed_result() -> None:
    timeline = MultipliedTimeline(Fraction(1, 1000), 0, 4, slow=2, exact=True)
    assert timeline.rounding * timeline.time_base == Fraction(3, 5) * 2 / 1000
