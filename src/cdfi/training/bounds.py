"""The values that the arguments of a training run can take, and why."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin


class Bound(NamedTuple):
    """An interval, ends included, and the reason for it."""

    least: float
    most: float
    reason: str


_IN_MEMORY = "all of them are in memory at once"
_COUNT = "the data stream numbers its samples with 63 bits"
_FRACTION = "it is a fraction of the run"
_DAYS = "a year has 525,600 minutes"
_INTERVAL = "it is a number of steps"

BOUNDS: dict[str, Bound] = {
    "batch": Bound(1, 65_536, _IN_MEMORY),
    "crop": Bound(0, 16_384, "a crop lies inside a frame; 0 trains on full frames"),
    "motion": Bound(0.01, 4_096, "layers move by pixels, inside a frame"),
    "workers": Bound(0, 1_024, "each is a process of its own"),
    "seed": Bound(0, 2**63 - 1, "random generators take seeds of 63 bits"),
    "guidance": Bound(0, 1e6, "it weighs one loss against the others"),
    "warp": Bound(0, 1e6, "it weighs one loss against the others"),
    "guidance_until": Bound(0, 1, _FRACTION),
    "epochs": Bound(0, 10**9, _COUNT),
    "steps": Bound(0, 10**12, _COUNT),
    "accumulate": Bound(1, 65_536, "the gradients of that many batches are added"),
    "lr": Bound(1e-30, 1e30, "weights are 32-bit floats"),
    "weight_decay": Bound(0, 1e3, "larger ones remove the weights in one step"),
    "decay": Bound(0, 1, "the rate falls by this factor"),
    "warmup": Bound(0, 10**12, _INTERVAL),
    "clip": Bound(0, 1e12, "it is the largest norm of a gradient; 0 does not clip"),
    "ema": Bound(0, 1 - 1e-9, "an average that keeps all of itself never changes"),
    "max_minutes": Bound(0, 5_256_000, _DAYS),
    "checkpoint_minutes": Bound(0, 5_256_000, _DAYS),
    "validate_every": Bound(0, 10**12, _INTERVAL),
    "log_every": Bound(1, 10**12, _INTERVAL),
}


def check_bounds(values: Mapping[str, Any], bounds: Mapping[str, Bound]) -> None:
    """Raise ValueError for a value outside its bounds; NaN is outside of all."""
    for name, (least, most, reason) in bounds.items():
        value = values[name]
        if not least <= value <= most:
            raise ValueError(
                f"{name} must be between {_shown(least)} and {_shown(most)} ({reason}), got {value}"
            )


def check_type(name: str, value: object, hint: Any) -> None:
    """Raise ValueError if ``value`` is not of the type ``hint``, as a field of a dataclass has it.

    A whole number is accepted for a float.
    """
    if not _is_of(value, hint):
        raise ValueError(f"{name} must be {describe_type(hint)}, got {value!r}")


def _is_of(value: object, hint: Any) -> bool:
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is_of(one, get_args(hint)[0]) for one in value)
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def describe_type(hint: Any) -> str:
    """Return the words for a type in an error message."""
    if get_origin(hint) is tuple:
        return f"a list in which each item is {describe_type(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return " or ".join(get_args(hint))
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[hint]


def _shown(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
