"""What a user may ask of a video job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Literal

from cdfi.video.reading.index import Index
from cdfi.video.reading.source import Source
from cdfi.video.timing.scene_changes import SCENE_THRESHOLD
from cdfi.video.timing.timeline import ConstantRateTimeline, MultipliedTimeline, Timeline

Audio = Literal["copy", "stretch", "drop"]


@dataclass(frozen=True)
class Encoding:
    """How the result is encoded; None leaves a choice to the container and the source."""

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How a video is interpolated.

    ``factor``: frames in place of each one (2 doubles the rate). ``fps``: a constant rate instead.
    ``slow``: how many times longer the video becomes (alone, its rate stays). ``audio`` None means
    copied, or dropped with ``slow``. ``scene_threshold`` None looks for no cuts. ``segment``:
    source frames a segment of the saved work.
    """

    factor: int | None = None
    fps: Fraction | None = None
    slow: int = 1
    audio: Audio | None = None
    scene_threshold: float | None = SCENE_THRESHOLD
    dedup: bool = False
    deinterlace: bool = False
    encoding: Encoding = field(default_factory=Encoding)
    segment: int = 100

    def __post_init__(self) -> None:
        if self.factor is not None and self.fps is not None:
            raise ValueError("factor and fps were both given: expected one of them")
        if self.factor is not None and self.factor < 2:
            raise ValueError(f"factor must be a whole number of 2 or more, got {self.factor}")
        if self.fps is not None and self.fps <= 0:
            raise ValueError(f"fps must be above 0, got {self.fps}")
        if self.slow < 1:
            raise ValueError(f"slow must be a whole number of 1 or more, got {self.slow}")
        if self.segment < 1:
            raise ValueError(f"segment must be 1 frame or more, got {self.segment}")

    @property
    def sound(self) -> Audio:
        """What happens to the audio."""
        return self.audio or ("copy" if self.slow == 1 else "drop")

    @property
    def multiplier(self) -> int:
        """Frames in place of each source frame, where no rate is asked for."""
        return self.factor or (self.slow if self.slow > 1 else 2)

    def timeline(self, source: Source, index: Index) -> Timeline:
        """The instants of the result. Raises ValueError for a rate below the source's."""
        if self.fps is None:
            return MultipliedTimeline(
                source.time_base, index.first, self.multiplier, self.slow, index.grid
            )
        shown = index.rate / self.slow
        if self.fps < shown * Fraction(999, 1000):
            raise ValueError(
                f"fps {float(self.fps):g} is below the source's {float(shown):g}: frames would be "
                "lost; give a higher rate"
            )
        return ConstantRateTimeline(source.time_base, index.first, self.fps, self.slow)

    def as_json(self) -> dict[str, object]:
        """The options as plain JSON values."""
        values = asdict(self)
        values["fps"] = None if self.fps is None else str(self.fps)
        values["encoding"]["extra"] = dict(self.encoding.extra)
        return values
