"""Parse frame rates as users write them into exact fractions."""

from __future__ import annotations

from fractions import Fraction

from cdfi.common.exact_numbers import exact_number, shown

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
    word = text.strip().lower() if isinstance(text, str) else ""
    if word in NAMED:
        return NAMED[word]
    try:
        rate = exact_number(text)
    except ValueError:
        raise ValueError(f"{EXPECTED}, got {shown(text)}") from None
    if rate <= 0:
        raise ValueError(f"{EXPECTED}, got {shown(text)}: a rate is above 0")
    return _broadcast(rate) if "." in word or isinstance(text, float) else rate


def parse_slow(text: str | int | float | Fraction) -> Fraction:
    """Return the exact number that ``text`` means: 4, 2.5 or 5/2.

    Raises:
        ValueError: ``text`` is not a number.
    """
    try:
        word = text.strip().lower().removesuffix("x") if isinstance(text, str) else text
        return exact_number(word)
    except ValueError:
        raise ValueError(f"expected a number such as 4, 2.5 or 5/2, got {shown(text)}") from None


def _broadcast(rate: Fraction) -> Fraction:
    """Return the nearest rate over 1001 if it agrees to 0.005 frames/s, else ``rate``."""
    near = min(NTSC, key=lambda known: abs(known - rate))
    return near if abs(near - rate) < Fraction(1, 200) else rate
