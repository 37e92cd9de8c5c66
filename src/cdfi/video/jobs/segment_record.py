"""The record of a finished segment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SegmentRecord:
    """A finished segment.

    Attributes:
        size: of its file, in bytes; 0 if it shows no frame and has no file.
        digest: SHA-256 of its file.
        times: of its frames, in ticks of the result's time base.
        counts: of decisions, by their name.
    """

    size: int
    digest: str
    times: list[int]
    counts: dict[str, int] = field(default_factory=dict)
