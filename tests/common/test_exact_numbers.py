"""Tests for numbers of users: exact, and of a bounded size."""

from fractions import Fraction

import pytest

from cdfi.common.exact_numbers import exact_number, shown


def kind(value):
    """Name a parameter briefly: some cannot be printed."""
    return type(value).__name__


HUGE = ("1e999999999", "1e-999999999", "1E+61", "9" * 5000, "1/" + "9" * 5000, 10.0**300)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("60", Fraction(60)),
        (" 59.94 ", Fraction(2997, 50)),
        ("6e1", Fraction(60)),
        ("60000/1001", Fraction(60000, 1001)),
        (0.1, Fraction(1, 10)),
        (7, Fraction(7)),
        (Fraction(1, 3), Fraction(1, 3)),
    ],
)
def test_a_number_is_exact(text, number):
    assert exact_number(text) == number


@pytest.mark.parametrize(
    "text", [*HUGE, "", "nan", "inf", "1/0", "ten", "1e", float("nan")], ids=kind
)
def test_other_text_and_huge_numbers_are_refused_in_one_short_line(text):
    with pytest.raises(ValueError, match="number|fraction") as caught:
        exact_number(text)
    assert len(str(caught.value)) < 120
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["x" * 5000, 10**5000, Fraction(10**5000, 3), -(10**5000)], ids=kind
)
def test_a_long_value_is_shortened_in_messages(value):
    assert len(shown(value)) < 60
