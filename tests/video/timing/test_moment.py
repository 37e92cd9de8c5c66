"""Tests for positions in a video."""

from fractions import Fraction

import pytest

from cdfi.video.timing.moment import Moment, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("83.5", Moment(Fraction(167, 2))),
        ("1:23.5", Moment(Fraction(167, 2))),
        ("1:01:01", Moment(Fraction(3661))),
        (".5s", Moment(Fraction(1, 2))),
        ("120f", Moment(Fraction(120), in_frames=True)),
        ("0f", Moment(Fraction(0), in_frames=True)),
        (2, Moment(Fraction(2))),
        (Fraction(1, 3), Moment(Fraction(1, 3))),
    ],
)
def test_a_position_is_read(text, moment):
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "1:60", "1:75", "-1", "1e999999999", "9" * 11, "9" * 5000, "9" * 5000 + "f"),
        *("9" * 30 + ":00:00", 1e300, Fraction(-1), Fraction(10**5000), 10**5000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_another_form_or_a_huge_number_is_refused_in_one_short_line(text):
    with pytest.raises(ValueError, match="expected seconds") as caught:
        parse_moment(text)
    assert len(str(caught.value)) < 160
