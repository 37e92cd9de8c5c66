"""The options of a job as JSON values: checked, and turned into arguments of the command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cdfi.common.choices import did_you_mean
from cdfi.common.sizes import byte_count
from cdfi.video.options import Encoding, Options
from cdfi.video.timing.rate import parse_rate

#: The models that the page offers, the default first.
MODELS = (
    "flow",
    "flow-wide",
    "aligned-adacof",
    "aligned-adacof-lpips",
    "matched-adacof",
    "compressed-adacof",
    "cdfi",
)
#: The containers that the page offers.
CONTAINERS = (".mp4", ".mkv", ".mov", ".webm", ".gif")
Value = str | int | float | bool


@dataclass(frozen=True)
class JobOption:
    """An option of a job.

    Attributes:
        flag: of the command; "" if it is not passed on.
        read: checks a JSON value, and returns it.
        images: whether it also applies to images.
    """

    flag: str
    read: Callable[[Any], Value]
    images: bool = False


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**6:
        raise ValueError(f"expected a whole number above 0, got {value!r}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1000 <= value <= 1000:
        raise ValueError(f"expected a number, got {value!r}")
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value!r}")
    return value


def _rate(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 20:
        raise ValueError("expected a rate such as 60, 59.94 or 60000/1001")
    parse_rate(value)
    return str(value)


def _memory(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 20:
        raise ValueError(f"expected a size such as 4GB, got {value!r}")
    byte_count(value)
    return value


def _matching(pattern: str, example: str) -> Callable[[Any], str]:
    """Return a check for text of one form. No form can begin with a dash, or name a file."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"expected a value such as {example}, got {value!r}")
        return value

    return read


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return read


_WORD = r"[a-z0-9][a-z0-9_]{0,31}"
OPTIONS: Mapping[str, JobOption] = {
    "factor": JobOption("--factor", _whole, images=True),
    "fps": JobOption("--fps", _rate),
    "slow": JobOption("--slow", _whole),
    "audio": JobOption("--audio", _one_of("copy", "stretch", "drop")),
    "scenes": JobOption("--scenes", _switch),
    "scene_threshold": JobOption("--scene-threshold", _number),
    "dedup": JobOption("--dedup", _switch),
    "deinterlace": JobOption("--deinterlace", _switch),
    "codec": JobOption("--codec", _matching(_WORD, "hevc")),
    "crf": JobOption("--crf", _number),
    "preset": JobOption("--preset", _matching(_WORD, "slow")),
    "pix_fmt": JobOption("--pix-fmt", _matching(_WORD, "yuv420p10le")),
    "container": JobOption("", _one_of(*CONTAINERS)),
    "model": JobOption("--model", _one_of("default", *MODELS), images=True),
    "device": JobOption("--device", _matching(r"auto|cpu|mps|xpu|cuda(:\d{1,3})?", "cuda:0"), True),
    "precision": JobOption("--precision", _one_of("auto", "fp32", "bf16", "fp16"), images=True),
    "memory": JobOption("--memory", _memory, images=True),
}
#: Options that are off unless they are given; the others of type bool are on.
OFF = ("dedup", "deinterlace")


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
    """Return the options as the library takes them.

    Raises:
        ValueError: they contradict each other.
    """
    found: dict[str, Any] = dict(values)
    if "fps" in found:
        found["fps"] = parse_rate(found["fps"])
    if found.pop("scenes", True) is False:
        found["scene_threshold"] = None
    encoding = {row.name: found[row.name] for row in fields(Encoding) if row.name in found}
    known = {row.name: found[row.name] for row in fields(Options) if row.name in found}
    return Options(**known, encoding=Encoding(**encoding))


def mark(values: Mapping[str, Value]) -> str:
    """Return what is added to the name of a result: its rate or factor."""
    if "fps" in values:
        return f"{float(parse_rate(values['fps'])):g}fps"
    if "slow" in values:
        return f"{values['slow']}x_slow"
    return f"{values.get('factor', 2)}x"
