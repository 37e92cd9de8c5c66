"""Parse numbers as users write them into exact fractions of a bounded size."""

import re
from fractions import Fraction

LONGEST = 60  # characters of a number
MOST_EXPONENT = 60  # of ten; a power of ten with a huge exponent would fill the memory
LONGEST_SHOWN = 40  # characters of a wrong number in an error message
_EXPONENT = re.compile(r"e([+-]?\d+)$", re.IGNORECASE)


def exact_number(value: str | int | float | Fraction) -> Fraction:
    """Return the number that a text such as 60, 59.94, 6e1 or 60000/1001 means.

    Raises:
        ValueError: the text is not a number, or has too many digits or too large an exponent.
    """
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    word = str(value).strip()
    exponent = _EXPONENT.search(word[:LONGEST])
    if len(word) > LONGEST or (exponent and abs(int(exponent[1])) > MOST_EXPONENT):
        raise ValueError(f"expected a number of fewer digits, got {shown(value)}")
    try:
        return Fraction(word)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected a number such as 60, 2.5 or 5/2, got {shown(value)}") from None


def shown(value: object) -> str:
    """Return a wrong value for an error message; a long one is shortened."""
    if isinstance(value, (int, Fraction)) and abs(value) >= 10**LONGEST:
        return f"a number of more than {LONGEST} digits"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
