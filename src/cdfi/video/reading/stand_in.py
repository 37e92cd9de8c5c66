"""The file with the times of numbered images that are read as a video."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

TIMES = "cdfi-times.json"


@dataclass(frozen=True)
class Timing:
    """When images are shown.

    Attributes:
        tick: the length of a tick in seconds, as a fraction.
        times: of the images, in ticks, ascending.
        end: when the last one ends.
    """

    tick: str
    times: list[int]
    end: int


def stand_in(path: Path) -> Timing | None:
    """Return the times of a pattern that stands in for a video; None for any other path."""
    times = path.parent / TIMES
    if "%" not in path.name or not times.is_file():
        return None
    return Timing(**json.loads(times.read_text(encoding="utf-8")))


def write_timing(folder: Path, timing: Timing) -> None:
    """Write the times of the images in ``folder``."""
    (folder / TIMES).write_text(json.dumps(asdict(timing)), encoding="utf-8")


def images_of_stand_in(path: Path) -> list[Path]:
    """Return the images of a stand-in, in order."""
    return sorted(p for p in path.parent.iterdir() if p.name != TIMES)
