"""Parse amounts (2.45M), sizes in bytes (4GB) and sizes of frames (1280x720)."""

import re

from cdfi.common.exact_numbers import shown

SUFFIXES = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MOST = 10**18  # of anything that is counted here
_BYTES = {"": 1} | SUFFIXES | {f"{unit}I": 2 ** (10 * n) for n, unit in enumerate(SUFFIXES, 1)}


def amount(text: str) -> int:
    """Return the number that text such as "2.45M", "850K" or "2450000" stands for.

    Raises:
        ValueError: the text is not a number above zero.
    """
    number, unit = text.strip(), 1
    if number and number[-1].upper() in SUFFIXES:
        number, unit = number[:-1], SUFFIXES[number[-1].upper()]
    try:
        value = round(float(number) * unit)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"expected an amount such as 2.45M or 850K, got {shown(text)}") from error
    if not 1 <= value < MOST:
        raise ValueError(f"expected an amount above zero and below {MOST:.0e}, got {shown(text)}")
    return value


def byte_count(text: str) -> int:
    """Return the bytes that text such as "4GB", "512 MiB" or a plain number stands for.

    Raises:
        ValueError: the text is not a size above zero.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?", text.strip().upper())
    size = float(found[1]) * _BYTES.get(found[2], 0) if found else 0.0
    if not 0 < size < MOST:
        raise ValueError(f"expected a size such as 4GB or 512MiB, got {shown(text)}")
    return int(size)


def frame_size(text: str) -> tuple[int, int]:
    """Return the rows and columns that text such as "1280x720" (width, height) stands for.

    Raises:
        ValueError: the text has another form.
    """
    found = re.fullmatch(r"(\d{1,6})\s*[xX]\s*(\d{1,6})", text.strip())
    if found is None or not int(found[1]) or not int(found[2]):
        raise ValueError(f"expected WIDTHxHEIGHT such as 1280x720, got {shown(text.strip())}")
    return int(found[2]), int(found[1])
