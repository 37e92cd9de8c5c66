"""Describe gaps in the numbers of images, and the other files of a folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_NUMBER = re.compile(r"(.*?)(\d+)(\D*)")


def gaps_of(paths: Sequence[Path], *, filled: bool = False) -> list[str]:
    """Return a line for each gap in the numbers of files that are numbered alike.

    A gap is a step larger than the smallest one. The images beside it are treated as neighbours,
    unless the gap is ``filled``.
    """
    treatment = (
        "interpolated"
        if filled
        else "the two are treated as neighbours (--fill-gaps interpolates them)"
    )
    found = [_NUMBER.fullmatch(path.stem) for path in paths]
    steps = [
        int(after[2]) - int(before[2])
        if before and after and (before[1], before[3]) == (after[1], after[3])
        else 0
        for before, after in pairwise(found)
    ]
    usual = min((step for step in steps if step > 0), default=0)
    return [
        f"{before} is followed by {after.name}: {step // usual - 1} images seem to be missing; "
        f"{treatment}"
        for (before, after), step in zip(pairwise(paths), steps)
        if step > usual
    ]


def describe_files(folder: Path) -> str:
    """Return a clause about the files of a folder, by their suffixes."""
    if not folder.is_dir():
        return ""
    suffixes = Counter(path.suffix.lower() for path in folder.iterdir() if path.is_file())
    kinds = [f"{count} {suffix or 'without a suffix'}" for suffix, count in suffixes.most_common(3)]
    return f"; its files are: {', '.join(kinds)}" if kinds else "; it has no files"
