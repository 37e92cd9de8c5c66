"""Instants as users write them."""

from fractions import Fraction

import pytest

from cdfi.interpolation.times import exact_times


def test_a_float_means_the_simple_fraction_next_to_it() -> None:
    assert exact_times([0.1, 1 / 3, 0.5]) == [Fraction(1, 10), Fraction(1, 3), Fraction(1, 2)]


def test_a_count_means_evenly_spaced_instants() -> None:
    assert exact_times(3) == [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)]
    assert exact_times(0) == exact_times([]) == []


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0], "increasing times inside"),
        ([1.0], "increasing times inside"),
        ([0.5, 0.5], "increasing times inside"),
        ([0.6, 0.4], "increasing times inside"),
        ([float("nan")], "expected numbers inside"),
        ([float("inf")], "expected numbers inside"),
        (["a"], "expected numbers inside"),
        ([None], "expected numbers inside"),
        (0.5, "expected numbers inside"),
        (-1, "0 or more, got -1"),
    ],
)
def test_other_times_are_refused(times: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        exact_times(times)  # type: ignore[arg-type]
