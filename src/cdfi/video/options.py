"""Options of a video job. The text under a field is its help on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

from cdfi.common.choices import unknown_name
from cdfi.common.exact_numbers import exact_number, shown
from cdfi.video.timing.moment import Moment
from cdfi.video.timing.thresholds import SCENE_THRESHOLD
from cdfi.video.timing.timeline import ConstantRateTimeline, MultipliedTimeline, Timeline

if TYPE_CHECKING:  # PyAV is slow to import, and the command line reads the options before it
    from cdfi.video.reading.index import Index
    from cdfi.video.reading.source import Source

Audio = Literal["copy", "stretch", "drop"]
Quality = Literal["lossless", "high", "medium", "small"]

MOST_FACTOR = 1000  # networks that compute midpoints halve a gap at most ten times
MOST_SENSITIVE = 10  # beyond that, plain motion counts as repeated
MOST_FPS = 10_000  # more than any camera records and any container can count


@dataclass(frozen=True)
class Encoding:
    """How the result is encoded; None leaves a choice to the container and the source."""

    codec: str | None = None
    """Encoder: h264, hevc, av1, vp9, prores, ffv1, png, gif, or the name of one of libav, with a
    profile such as prores:hq. By default the one that suits the container."""

    quality: Quality | None = None
    """Quality in one word, the same for all encoders: small shows losses, high hardly any."""

    crf: float | None = None
    """Quality of the encoder (constant rate factor): lower is better and larger."""

    preset: str | None = None
    """Named set of options (cdfi presets lists them), or preset of the encoder, such as slow."""

    pix_fmt: str | None = None
    """Pixel format of the result, such as yuv420p10le. By default that of the source."""

    extra: Mapping[str, str] = field(default_factory=dict)
    """Other option of the encoder as KEY=VALUE, repeatable."""

    record_options: bool = False
    """Write the options into the tags of the result, as a comment."""

    def __post_init__(self) -> None:
        if self.quality is not None and self.crf is not None:
            raise ValueError("quality and crf were both given: expected one of them")
        if self.quality is not None and self.quality not in get_args(Quality):
            raise unknown_name("quality", self.quality, get_args(Quality))


@dataclass(frozen=True)
class Options:
    """How a video is interpolated.

    Raises:
        ValueError: a value is out of its bounds.
    """

    factor: int | None = None
    """Frames in place of each source frame: 2 doubles the rate. By default 2."""

    fps: Fraction | None = None
    """Constant rate of the result instead of a factor: 60, 59.94, 60000/1001 or ntsc."""

    rate: Fraction | None = None
    """Rate of numbered images, frames per second: 24, 23.976 or 30000/1001."""

    fill_gaps: bool = False
    """Interpolate images whose numbers are missing."""

    start: Moment | None = None
    """Beginning of the part to interpolate: seconds, h:m:s, or frames such as 120f."""

    end: Moment | None = None
    """End of the part, written like the start; the frame there is not in the result."""

    duration: Moment | None = None
    """Length of the part instead of its end."""

    slow: Fraction | int = 1
    """How many times longer the video becomes, such as 4, 2.5 or 5/2. Without a factor or a rate,
    its rate stays."""

    loop: bool = False
    """Interpolate from the last frame to the first as well, for clips that are played in a loop."""

    motion_blur: float | None = None
    """Angle of a camera's shutter, up to 360 degrees: each frame is the average of what happens
    while it is open."""

    audio: Audio | None = None
    """What happens to the audio. By default it is copied, or stretched if the video is slowed."""

    scene_threshold: float | None = SCENE_THRESHOLD
    """Change between two frames that counts as a scene cut, in percent."""

    dedup: bool = False
    """Interpolate across repeated frames."""

    dedup_sensitivity: float | None = None
    """How readily frames count as repeated; 1 is usual, 2 finds repeats beneath stronger noise, 0.5
    fewer. Turns --dedup on."""

    hold: tuple[str, ...] = ()
    """Part of the picture that is not interpolated, such as a logo: a mask whose white is taken
    from the nearest source frame, or a box X,Y,WIDTH,HEIGHT. Repeatable."""

    black_bars: bool = True
    """Keep black bars at the borders (letterbox, pillarbox) exactly as they are."""

    deinterlace: bool = False
    """Deinterlace interlaced frames first."""

    encoding: Encoding = field(default_factory=Encoding)
    """How the result is encoded."""

    segment: int = 100
    """Source frames in a segment of the saved work."""

    def __post_init__(self) -> None:
        if self.factor is not None and self.fps is not None:
            raise ValueError("factor and fps were both given: expected one of them")
        if self.end is not None and self.duration is not None:
            raise ValueError("end and duration were both given: expected one of them")
        least = 1 if self.motion_blur is not None else 2
        if self.factor is not None and not least <= self.factor <= MOST_FACTOR:
            raise ValueError(
                f"factor must be a whole number from {least} to {MOST_FACTOR}, got {self.factor}: "
                "each source frame becomes that many frames"
            )
        for name, rate in (("fps", self.fps), ("rate", self.rate)):
            if rate is not None and not 0 < rate <= MOST_FPS:
                raise ValueError(
                    f"{name} must be above 0 and at most {MOST_FPS}, got {_short(rate)}: no "
                    "container can count more frames a second"
                )
        if not 1 <= self.slow <= MOST_FACTOR:
            raise ValueError(
                f"slow must be from 1 to {MOST_FACTOR}, got {_short(self.slow)}: the video "
                "becomes that many times longer"
            )
        object.__setattr__(self, "slow", Fraction(self.slow).limit_denominator(MOST_FACTOR))
        if self.dedup_sensitivity is not None:
            if not 0 < self.dedup_sensitivity <= MOST_SENSITIVE:
                raise ValueError(
                    f"the sensitivity of dedup must be above 0 and at most {MOST_SENSITIVE}, got "
                    f"{self.dedup_sensitivity}"
                )
            object.__setattr__(self, "dedup", True)
        if self.motion_blur is not None and not 0 < self.motion_blur <= 360:
            raise ValueError(
                f"motion blur must be a shutter angle above 0 and up to 360, got {self.motion_blur}"
            )
        threshold = self.scene_threshold
        if threshold is not None and not 0 <= threshold <= 100:
            raise ValueError(f"the scene threshold must be from 0 to 100 percent, got {threshold}")
        if self.segment < 1:
            raise ValueError(f"segment must be 1 frame or more, got {self.segment}")

    @property
    def sensitivity(self) -> float:
        """How readily frames count as repeated beneath noise; 0 if they do not."""
        return (self.dedup_sensitivity or 1.0) if self.dedup else 0.0

    @property
    def sound(self) -> Audio:
        """What happens to the audio: the choice, or the default for it."""
        return self.audio or ("copy" if self.slow == 1 else "stretch")

    @property
    def multiplier(self) -> int:
        """Frames in place of each source frame, if no rate is given."""
        return self.factor or (math.ceil(self.slow) if self.slow > 1 else 2)

    @property
    def label(self) -> str:
        """The rate, the slow-down or the factor for a file's name: 60fps, 4x_slow or 2x."""
        if self.fps is not None:
            return f"{float(self.fps):g}fps"
        return f"{float(self.slow):g}x_slow" if self.slow > 1 else f"{self.factor or 2}x"

    def settled(self, rate: Fraction) -> Options:
        """Return the options with a rate in place of a slow-down that is not a whole number.

        Args:
            rate: of the source, which the result keeps.
        """
        given = self.factor is not None or self.fps is not None
        if self.fill_gaps and self.rate and self.fps is None:
            slowed = self.rate * self.multiplier / self.slow
            return replace(self, fps=slowed if given or self.slow == 1 else self.rate)
        return self if given or self.slow.denominator == 1 else replace(self, fps=rate)

    def timeline(
        self, source: Source, index: Index, *, exact: bool = False, parts: int = 1
    ) -> Timeline:
        """Return the instants of the result.

        Args:
            source: the video.
            index: its times.
            exact: whether the network computes any instant.
            parts: instants in place of each one.

        Raises:
            ValueError: the rate is below the source's.
        """
        if self.fps is None:
            return MultipliedTimeline(
                source.time_base, index.first, self.multiplier * parts, self.slow, index.grid, exact
            )
        shown = index.rate / self.slow
        if self.fps < shown * Fraction(999, 1000) and self.motion_blur is None:
            raise ValueError(
                f"fps {float(self.fps):g} is below the source's {float(shown):g}: frames would be "
                "lost; give a higher rate"
            )
        rate = self.fps * parts
        return ConstantRateTimeline(source.time_base, index.first, rate, self.slow, exact)

    def as_json(self) -> dict[str, object]:
        """Return the options as plain JSON values."""
        values = asdict(self)
        values["slow"] = str(self.slow)
        values["rate"] = None if self.rate is None else str(self.rate)
        values["fps"] = None if self.fps is None else str(self.fps)
        for name in ("start", "end", "duration"):
            moment = getattr(self, name)
            values[name] = None if moment is None else f"{moment.value}{'f' * moment.in_frames}"
        if self.black_bars:  # jobs of earlier versions, which always kept them, can be continued
            del values["black_bars"]
        values["encoding"]["extra"] = dict(self.encoding.extra)
        return values


def options_from_json(values: Mapping[str, Any]) -> Options:
    """Return the options that :meth:`Options.as_json` wrote.

    Raises:
        ValueError: a value is unknown, of another type, or out of its bounds.
    """
    known = dict(values)
    try:
        encoding = Encoding(**known.pop("encoding"))
        for name in ("slow", "rate", "fps"):
            known[name] = None if known[name] is None else exact_number(known[name])
        for name in ("start", "end", "duration"):
            known[name] = None if known[name] is None else _moment(known[name])
        return Options(**{**known, "hold": tuple(known["hold"]), "encoding": encoding})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"these options are not those of this version: {error}") from error


def _moment(text: str) -> Moment:
    """Return a moment from its exact text, such as 167/2 or 120f."""
    return Moment(exact_number(text.rstrip("f")), in_frames=text.endswith("f"))


def _short(number: Fraction | int) -> str:
    """Return a number for a message; it may be too large for a float."""
    return f"{float(number):g}" if -(10**15) < number < 10**15 else shown(number)
