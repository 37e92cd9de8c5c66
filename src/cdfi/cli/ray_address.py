"""The address after ``--ray``, which may be left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdfi.common.ray_cluster import AUTO, LOCAL

OPTION = "--ray"
_ADDRESS = re.compile(rf"{AUTO}|{LOCAL}|[\w.\-\[\]:]+:\d+")


def fill_address(words: Sequence[str]) -> list[str]:
    """Return the words of a command line, with ``--ray`` alone as ``--ray auto``."""
    filled: list[str] = []
    for word, following in zip(words, [*words[1:], ""]):
        filled.append(word)
        if word == OPTION and not _ADDRESS.fullmatch(following):
            filled.append(AUTO)
    return filled
