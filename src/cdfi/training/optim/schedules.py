"""Learning-rate schedules: functions of the step, so that a resumed run needs no state."""

import math
from collections.abc import Callable
from typing import NamedTuple

from cdfi.common.choices import unknown_name
from cdfi.training.arg_groups import OptimArgs

_COSINE_FLOOR = 0.01  # the last rate of the cosine schedule, as a fraction of the highest


class Length(NamedTuple):
    """The length of a run and of one epoch, in optimizer steps."""

    steps: int
    epoch: int


def rate(step: int, args: OptimArgs, length: Length) -> float:
    """Return the learning rate of step ``step`` (from 0).

    Raises:
        ValueError: an unknown schedule; the message shows similar names.
    """
    if args.schedule not in SCHEDULES:
        raise unknown_name("schedule", args.schedule, SCHEDULES)
    return args.lr * SCHEDULES[args.schedule](step, args, length)


def _step(step: int, args: OptimArgs, length: Length) -> float:
    return args.decay ** (step // (args.decay_epochs[0] * length.epoch))


def _multi_step(step: int, args: OptimArgs, length: Length) -> float:
    return args.decay ** sum(step >= epoch * length.epoch for epoch in args.decay_epochs)


def _cosine(step: int, args: OptimArgs, length: Length) -> float:
    if step < args.warmup:
        return (step + 1) / args.warmup
    through = min(1.0, (step - args.warmup) / max(1, length.steps - args.warmup))
    return _COSINE_FLOOR + (1 - _COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * through))


def _constant(step: int, args: OptimArgs, _: Length) -> float:
    return min(1.0, (step + 1) / args.warmup) if args.warmup else 1.0


SCHEDULES: dict[str, Callable[[int, OptimArgs, Length], float]] = {
    "step": _step,
    "multi-step": _multi_step,
    "cosine": _cosine,
    "constant": _constant,
}
