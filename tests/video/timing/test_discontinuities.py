"""Jumps of a file's clock, in streams of numbers."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdfi.video.timing.discontinuities import DiscontinuityFinder

BASE = Fraction(1, 90000)
VIDEO, SOUND, TEXT = 0, 1, 2
LENGTHS = {VIDEO: 3600, SOUND: 1920, TEXT: 45000}


def part(start, seconds, streams=(VIDEO, SOUND)):
    """Packets (stream, time) of a recording that begins at ``start`` ticks, in file order."""
    found = [
        (time, stream)
        for stream in streams
        for time in range(start, start + round(seconds * 90000), LENGTHS[stream])
    ]
    return [(stream, time) for time, stream in sorted(found)]


def corrected(packets, may_skip=True):
    """Times of each stream, corrected, and the number of jumps."""
    finder = DiscontinuityFinder(may_skip)
    for stream, time in packets:
        finder.add(stream, BASE, dts=time, pts=time, duration=LENGTHS[stream], dense=stream != TEXT)
    correction = finder.correction()
    times = {stream: [] for stream in LENGTHS}
    steps = {stream: correction.seconds(stream) for stream in LENGTHS}
    for stream, time in packets:
        times[stream].append(time + next(steps[stream]) / BASE)
    return times, correction.jumps


def test_an_ordinary_file_has_no_correction():
    packets = part(100, 30, (VIDEO, SOUND, TEXT))
    times, jumps = corrected(packets)
    assert jumps == 0
    assert times[VIDEO] == [time for stream, time in packets if stream == VIDEO]


def test_a_long_pause_is_no_jump_where_the_clock_cannot_restart():
    _, jumps = corrected(part(0, 2) + part(90000 * 100, 2), may_skip=False)
    assert jumps == 0


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=5, unique=True),
    st.lists(st.floats(0.5, 4), min_size=5, max_size=5),
)
def test_parts_of_any_clock_follow_each_other_in_sync(clocks, lengths):
    parts = [(10**7 * clock, seconds) for clock, seconds in zip(clocks, lengths)]
    pieces = [part(start, seconds, (VIDEO, SOUND, TEXT)) for start, seconds in parts]
    times, jumps = corrected([packet for piece in pieces for packet in piece])
    assert jumps == len(parts) - 1
    place = dict.fromkeys(LENGTHS, 0)
    for piece in pieces:
        moved = set()
        for stream, time in piece:
            moved.add(times[stream][place[stream]] - time)
            place[stream] += 1
        assert len(moved) == 1, "all streams of a part are moved by the same amount"
    for stream in (VIDEO, SOUND):
        steps = [b - a for a, b in pairwise(times[stream])]
        assert min(steps) == LENGTHS[stream], "no stream overlaps itself"
        assert max(steps) < LENGTHS[stream] + 90000 // 5, "no gap beyond the shorter stream's end"


def test_streams_may_jump_at_different_bytes():
    first, second = part(0, 3), part(0, 3)
    ahead = [packet for packet in second if packet[0] == SOUND][:20]
    late = [packet for packet in first if packet[0] == VIDEO][-5:]
    mixed = [packet for packet in first if packet not in late]
    mixed += ahead + late + [packet for packet in second if packet not in ahead]
    times, jumps = corrected(mixed)
    assert jumps == 1
    assert times[VIDEO][75] - times[SOUND][141] == 0


def test_one_packet_with_a_wild_time_does_not_move_the_rest():
    packets = part(0, 4)
    wild = [(s, t + 90000 * 3600 if (s, t) == (VIDEO, 3600 * 30) else t) for s, t in packets]
    times, _ = corrected(wild)
    assert times[VIDEO][31:] == [time for stream, time in packets if stream == VIDEO][31:]
    assert times[SOUND] == [time for stream, time in packets if stream == SOUND]


@pytest.mark.parametrize("ticks", [9000, 40000])
def test_a_short_step_back_of_one_stream_alone_is_kept(ticks):
    packets = [(s, t - ticks if s == SOUND and t >= 180000 else t) for s, t in part(0, 4)]
    times, _ = corrected(packets)
    assert times[VIDEO] == [time for stream, time in packets if stream == VIDEO]
    assert times[SOUND] == [time for stream, time in packets if stream == SOUND]
