"""The midpoints that are computed for instants."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdfi.interpolation.midpoints import TOLERANCE, ancestors, nearest_dyadics
from cdfi.interpolation.times import exact_tolerance

times = st.lists(
    st.fractions(min_value=Fraction(1, 50), max_value=Fraction(49, 50), max_denominator=60),
    min_size=1,
    max_size=8,
    unique=True,
).map(sorted)


@pytest.mark.long
@given(times)
def test_every_instant_is_met_within_the_tolerance_in_order_and_apart(instants):
    targets = nearest_dyadics(instants)
    assert all(abs(t - i) <= TOLERANCE for t, i in zip(targets, instants))
    assert all(before < after for before, after in pairwise([0, *targets, 1]))


@given(st.integers(1, 7).flatmap(lambda d: st.tuples(st.just(d), st.integers(1, 2**d - 1))))
def test_a_dyadic_instant_is_met_exactly(case):
    depth, numerator = case
    assert nearest_dyadics([Fraction(numerator, 2**depth)]) == [Fraction(numerator, 2**depth)]


def test_ten_steps_are_ten_different_frames():
    targets = nearest_dyadics([Fraction(k, 10) for k in range(1, 10)])
    steps = [after - before for before, after in pairwise([0, *targets, 1])]
    assert min(steps) >= Fraction(1, 20)


@pytest.mark.long
@given(times)
def test_ancestors_lead_from_the_ends_to_the_instant(instants):
    for target in nearest_dyadics(instants):
        made = {Fraction(0), Fraction(1)}
        for middle, (before, after) in ancestors(target).items():
            assert {before, after} <= made
            assert middle == (before + after) / 2
            made.add(middle)
        assert target in made


def test_a_tolerance_of_nothing_is_refused():
    with pytest.raises(ValueError, match="positive tolerance"):
        nearest_dyadics([Fraction(1, 3)], Fraction(0))


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf"), None, "much"])
def test_a_tolerance_that_is_not_above_0_is_refused(tolerance):
    with pytest.raises(ValueError, match="expected a positive tolerance"):
        exact_tolerance(tolerance)
