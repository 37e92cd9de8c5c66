"""The learning rate at a step: plain functions of the step, so a resumed run needs no state."""

import math
from collections.abc import Callable
from typing import NamedTuple

from cdfi.common.choices import unknown_name
from cdfi.training.args import TrainArgs

_COSINE_FLOOR = 0.01  # the rate at the end, as a share of the highest


class Length(NamedTuple):
    """How long a run is, in optimizer steps."""

    steps: int
    epoch: int


def rate(step: int, args: TrainArgs, length: Length) -> float:
    """The learning rate of step ``step`` (from 0).

    Raises:
        ValueError: an unknown schedule; near names are shown.
    """
    if args.schedule not in SCHEDULES:
        raise unknown_name("schedule", args.schedule, SCHEDULES)
    return args.lr * SCHEDULES[args.schedule](step, args, length)


def _step(step: int, args: TrainArgs, length: Length) -> float:
    return args.decay ** (step // (args.decay_epochs[0] * length.epoch))


def _multi_step(step: int, args: TrainArgs, length: Length) -> float:
    return args.decay ** sum(step >= epoch * length.epoch for epoch in args.decay_epochs)


def _cosine(step: int, args: TrainArgs, length: Length) -> float:
    if step < args.warmup:
        return (step + 1) / args.warmup
    through = min(1.0, (step - args.warmup) / max(1, length.steps - args.warmup))
    return _COSINE_FLOOR + (1 - _COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * through))


def _constant(step: int, args: TrainArgs, length: Length) -> float:
    return min(1.0, (step + 1) / args.warmup) if args.warmup else 1.0


SCHEDULES: dict[str, Callable[[int, TrainArgs, Length], float]] = {
    "step": _step,
    "multi-step": _multi_step,
    "cosine": _cosine,
    "constant": _constant,
}
