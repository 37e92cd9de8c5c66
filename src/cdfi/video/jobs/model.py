"""What makes the frames between two frames, and how a job knows that it is still the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from torch import Tensor

from cdfi.common.allocator import keep_freed_memory
from cdfi.interpolation import Interpolator, Precision
from cdfi.weights import digest


class FrameInterpolator(Protocol):
    """An ``Interpolator``, or anything that can stand in for one."""

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterable[Tensor]:
        """The frames (3, H, W) at ``times`` in (0, 1) between two frames (3, H, W) in [0, 1]."""


@dataclass(frozen=True)
class ModelSpec:
    """A network by name, with where and how it runs; other processes can build it too.

    ``memory`` bounds what the network takes, in bytes; ``compile`` fuses its parts first;
    ``keep`` makes each process that runs it keep the memory it frees (see
    :func:`cdfi.common.allocator.keep_freed_memory`).
    """

    name: str | Path = "default"
    device: str | None = None
    precision: Precision = "auto"
    memory: int | None = None
    compile: bool = False
    keep: bool = False

    def build(self) -> Interpolator:
        """The interpolator. Raises ValueError or OSError where it cannot be had."""
        if self.keep:
            keep_freed_memory()
        return Interpolator(
            self.name,
            self.device,
            precision=self.precision,
            memory=self.memory,
            compile=self.compile,
        )


def resolve_model(model: ModelSpec | FrameInterpolator) -> FrameInterpolator:
    """What makes the frames, built where ``model`` only names it."""
    return model.build() if isinstance(model, ModelSpec) else model


def fingerprint(maker: FrameInterpolator) -> str:
    """What stays the same as long as ``maker`` makes the same frames.

    The weights and the precision of an ``Interpolator``; for anything else its attribute
    ``fingerprint``, or the name of its class.
    """
    if isinstance(maker, Interpolator):
        how = f"{maker.precision}{' compiled' if maker.compiled else ''}"
        return f"{digest(maker.network.state_dict())} {maker.network.config} {how}"
    name = f"{type(maker).__module__}.{type(maker).__qualname__}"
    return str(getattr(maker, "fingerprint", name))
