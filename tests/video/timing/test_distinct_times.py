"""Frames that share a tick."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdfi.video.timing.distinct_times import spread


def test_different_times_stay():
    times, scale = spread(np.array([-5, 0, 7]))
    assert (times.tolist(), scale) == ([-5, 0, 7], 1)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40))
def test_equal_times_become_distinct_within_their_tick(given_times):
    ordered = np.sort(np.array(given_times, dtype=np.int64))
    times, scale = spread(ordered)
    assert (np.diff(times) > 0).all()
    assert (times // scale == ordered).all()
