"""Rates as users write them."""

from fractions import Fraction

import pytest

from cdfi.video import parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60", Fraction(60)),
        ("59.94", Fraction(60000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("60000/1001", Fraction(60000, 1001)),
        ("ntsc", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
        (" PAL ", Fraction(25)),
        (30, Fraction(30)),
        (23.976, Fraction(24000, 1001)),
    ],
)
def test_a_rate_is_parsed_exactly(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["0", "-5", "fast", "1/0", "", "nan", "inf", "1e999999999", "9" * 5000, -(10**5000)],
    ids=lambda value: type(value).__name__,
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="expected a rate such as") as caught:
        parse_rate(text)
    assert len(str(caught.value)) < 160
