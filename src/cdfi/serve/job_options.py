"""The options of a job as JSON values: checked, and turned into arguments of the command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from cdfi.common.choices import did_you_mean
from cdfi.common.sizes import byte_count
from cdfi.video.keywords import Settings, options_from
from cdfi.video.options import Options, Quality
from cdfi.video.timing.moment import parse_moment
from cdfi.video.timing.rate import parse_rate, parse_slow
from cdfi.weights.catalog import BUNDLED, DEFAULT

#: The models that the page offers, the default first.
MODELS = (DEFAULT, *(name for name in BUNDLED if name != DEFAULT))
#: The containers that the page offers.
CONTAINERS = (".mp4", ".mkv", ".mov", ".webm", ".gif")
Value = str | int | float | bool
LONGEST = 20  # characters of a rate, a time or a size
MOST_NUMBER = 1000


@dataclass(frozen=True)
class JobOption:
    """An option of a job.

    Attributes:
        flag: of the command; "" if it is not passed on.
        read: checks a JSON value, and returns it.
        schema: of its values, as JSON Schema.
        images: whether it also applies to images.
    """

    flag: str
    read: Callable[[Any], Value]
    schema: Mapping[str, Any]
    images: bool = False


def _whole(flag: str, *, images: bool = False) -> JobOption:
    """Return an option whose value is a whole number."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**6:
            raise ValueError(f"expected a whole number above 0, got {value!r}")
        return value

    return JobOption(flag, read, {"type": "integer", "minimum": 1}, images)


def _number(flag: str, *, least: float = 0) -> JobOption:
    """Return an option whose value is a number."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"expected a number, got {value!r}")
        if not least <= value <= MOST_NUMBER:
            raise ValueError(f"expected a number from {least:g} to {MOST_NUMBER}, got {value!r}")
        return value

    return JobOption(flag, read, {"type": "number", "minimum": least})


def _switch(flag: str) -> JobOption:
    """Return an option that is true or false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false, got {value!r}")
        return value

    return JobOption(flag, read, {"type": "boolean"})


def _parsed(flag: str, parse: Callable[[str], object], *, images: bool = False) -> JobOption:
    """Return an option that the command reads from a short text or a number."""

    def read(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"expected a text or a number, got {value!r}")
        if len(str(value)) > LONGEST:
            raise ValueError(f"expected at most {LONGEST} characters")
        parse(str(value))
        return str(value)

    return JobOption(flag, read, {"type": ["string", "number"]}, images)


def _matching(flag: str, pattern: str, example: str, *, images: bool = False) -> JobOption:
    """Return an option for text of one form. No form can begin with a dash, or name a file."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"expected a value such as {example}, got {value!r}")
        return value

    schema = {"type": "string", "pattern": f"^({pattern})$", "examples": [example]}
    return JobOption(flag, read, schema, images)


def _one_of(flag: str, choices: Sequence[str], *, images: bool = False) -> JobOption:
    """Return an option with a few values."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return JobOption(flag, read, {"type": "string", "enum": [*choices]}, images)


_WORD = r"[a-z0-9][a-z0-9_]{0,31}"
OPTIONS: Mapping[str, JobOption] = {
    "factor": _whole("--factor", images=True),
    "fps": _parsed("--fps", parse_rate),
    "start": _parsed("--start", parse_moment),
    "end": _parsed("--end", parse_moment),
    "duration": _parsed("--duration", parse_moment),
    "slow": _parsed("--slow", parse_slow),
    "loop": _switch("--loop"),
    "motion_blur": _number("--motion-blur"),
    "audio": _one_of("--audio", ("copy", "stretch", "drop")),
    "scenes": _switch("--scenes"),
    "scene_threshold": _number("--scene-threshold"),
    "dedup": _switch("--dedup"),
    "deinterlace": _switch("--deinterlace"),
    "codec": _matching("--codec", _WORD, "hevc"),
    "quality": _one_of("--quality", get_args(Quality)),
    "crf": _number("--crf"),
    "preset": _matching("--preset", _WORD, "slow"),
    "pix_fmt": _matching("--pix-fmt", _WORD, "yuv420p10le"),
    "container": _one_of("", CONTAINERS),
    "model": _one_of("--model", ("default", *MODELS), images=True),
    "device": _matching("--device", r"auto|cpu|mps|xpu|cuda(:\d{1,3})?", "cuda:0", images=True),
    "precision": _one_of("--precision", ("auto", "fp32", "bf16", "fp16"), images=True),
    "memory": _parsed("--memory", byte_count, images=True),
}
#: Options that are also those of the library; the others choose the network or the container.
LIBRARY = {*get_type_hints(Settings)}
#: Options that are off unless they are given; the others of type bool are on.
OFF = ("dedup", "deinterlace", "loop")


def read_options(given: Mapping[str, Any], *, images: bool = False) -> dict[str, Value]:
    """Return the options of a request after checking them; those that are null are left out.

    Args:
        given: JSON values by the names in ``OPTIONS``.
        images: whether the source is images.

    Raises:
        ValueError: a name or a value is not accepted; the message names it.
    """
    values: dict[str, Value] = {}
    for name, value in given.items():
        row = OPTIONS.get(name)
        if row is None:
            raise ValueError(f"unknown option {name!r}{did_you_mean(name, OPTIONS)}")
        if value is None:
            continue
        if images and not row.images:
            raise ValueError(f"{name}: for videos, not for images")
        try:
            values[name] = row.read(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    video_options(values)
    return values


def arguments(values: Mapping[str, Value]) -> list[str]:
    """Return the options as arguments of ``cdfi interpolate``."""
    words = []
    for name, value in values.items():
        flag = OPTIONS[name].flag
        if isinstance(value, bool):
            if value == (name in OFF):
                words.append(flag if value else f"--no-{flag[2:]}")
        elif flag:
            words.append(f"{flag}={value}")
    return words


def video_options(values: Mapping[str, Value]) -> Options:
    """Return the options of the library.

    Raises:
        ValueError: they contradict each other.
    """
    found: dict[str, Any] = {name: values[name] for name in values if name in LIBRARY}
    if values.get("scenes") is False:
        found["scene_threshold"] = None
    return options_from(None, found)  # type: ignore[arg-type]
