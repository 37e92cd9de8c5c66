"""Decode times of joined segments."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdfi.video.jobs.join import decode_times, frame_times
from cdfi.video.jobs.segment_record import SegmentRecord


@given(
    st.lists(st.integers(1, 2000), min_size=1, max_size=40),
    st.integers(-1000, 1000),
    st.integers(0, 8),
    st.integers(1, 5000),
)
@example([1, 3, 1, 1, 1, 1, 2, 1], 0, 6, 1)
def test_decode_times_ascend_and_leave_a_duration_for_the_last_packet(gaps, first, depth, last):
    times = [first + offset for offset in accumulate(gaps)]
    depth, end = min(depth, len(times) - 1), times[-1] + last
    decoded = decode_times(times, end, depth)
    assert len(decoded) == len(times)
    assert all(before < after for before, after in pairwise(decoded))
    assert decoded[depth:] == times[: len(times) - depth]
    if depth < last:  # else the first packets need more ticks than the last frame lasts
        assert end - times[0] - (decoded[-1] - decoded[0]) >= 1


def test_a_constant_rate_keeps_its_distances():
    times = list(range(0, 1000, 40))
    assert decode_times(times, 1000, 2) == list(range(-80, 920, 40))


@pytest.mark.parametrize(("least", "expected"), [(1, [0, 5, 6, 30]), (8, [0, 8, 16, 30])])
def test_frames_that_are_too_near_are_moved_later(least, expected):
    records = [
        SegmentRecord(1, "", [0, 5]),
        SegmentRecord(0, "", []),
        SegmentRecord(1, "", [6, 30]),
    ]
    assert frame_times(records, least) == expected
