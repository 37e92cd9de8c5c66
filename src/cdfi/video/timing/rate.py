"""Parse frame rates as users write them into exact fractions."""

from __future__ import annotations

from fractions import Fraction

NAMED = {
    "ntsc": Fraction(30000, 1001),
    "pal": Fraction(25),
    "film": Fraction(24),
    "ntsc-film": Fraction(24000, 1001),
}
NTSC = tuple(Fraction(nominal * 1000, 1001) for nominal in (24, 30, 48, 60, 72, 96, 120, 240))
EXPECTED = "expected a rate such as 60, 59.94, 60000/1001 or ntsc"


def parse_rate(text: str | int | float | Fraction) -> Fraction:
    """Return the exact rate, in frames per second, that ``text`` means.

    A decimal such as ``59.94`` or ``23.976`` means the broadcast rate (n * 1000/1001) that it
    abbreviates.

    Raises:
        ValueError: ``text`` is not a positive rate.
    """
    word = str(text).strip().lower()
    if word in NAMED:
        return NAMED[word]
    try:
        rate = Fraction(word)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{EXPECTED}, got {text!r}") from None
    if rate <= 0:
        raise ValueError(f"{EXPECTED}, got {text!r}: a rate is above 0")
    return _broadcast(rate) if "." in word else rate


def parse_slow(text: str | int | float | Fraction) -> Fraction:
    """Return the exact number that ``text`` means: 4, 2.5 or 5/2.

    Raises:
        ValueError: ``text`` is not a number.
    """
    try:
        return Fraction(str(text).strip().lower().removesuffix("x"))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected a number such as 4, 2.5 or 5/2, got {text!r}") from None


def _broadcast(rate: Fraction) -> Fraction:
    """Return the nearest rate over 1001 if it agrees to 0.005 frames/s, else ``rate``."""
    near = min(NTSC, key=lambda known: abs(known - rate))
    return near if abs(near - rate) < Fraction(1, 200) else rate
