"""The record of a finished segment."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

FILE = re.compile(r"\d{6,}(\.[\w-]+)?\.mkv")  # of a segment, in the work folder itself


@dataclass(frozen=True)
class SegmentRecord:
    """A finished segment.

    Attributes:
        size: of its file, in bytes; 0 if it shows no frame and has no file.
        digest: SHA-256 of its file.
        times: of its frames, in ticks of the result's time base.
        counts: of decisions, by their name.
        file: name of its file in the work folder.
        worker: that made it.
        seconds: that it took, 0 if that is unknown.
    """

    size: int
    digest: str
    times: list[int]
    counts: dict[str, int] = field(default_factory=dict)
    file: str = ""
    worker: str = ""
    seconds: float = 0.0


def record_of(values: object, job: str) -> SegmentRecord | None:
    """Return the record that JSON values hold; None if it is of another job, or not one."""
    if not isinstance(values, dict) or values.pop("job", None) != job:
        return None
    try:
        record = SegmentRecord(**values)
    except TypeError:
        return None
    return None if record.file and not FILE.fullmatch(record.file) else record
