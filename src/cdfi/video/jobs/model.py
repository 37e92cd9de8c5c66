"""Which model interpolates the frames of a job, and how a job knows that it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from torch import Tensor

from cdfi.common.allocator import keep_freed_memory
from cdfi.interpolation import Interpolator, Precision
from cdfi.models import Network
from cdfi.weights import digest


class FrameInterpolator(Protocol):
    """An ``Interpolator``, or anything with the same method."""

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterable[Tensor]:
        """Return the frames (3, H, W) at ``times`` in (0, 1) between two frames in [0, 1]."""


@dataclass(frozen=True)
class ModelSpec:
    """A network by name, with where and how it runs; other processes can build it too.

    Attributes:
        name: of a model, or the path of its file.
        device: None means the best one present.
        precision: "auto", "fp32", "bf16" or "fp16".
        memory: a bound for what the network takes, in bytes; None means what is free.
        compile: compile the network with ``torch.compile``.
        keep: let each process that runs the network keep the memory that it frees; see
            :func:`cdfi.common.allocator.keep_freed_memory`.
    """

    name: str | Path = "default"
    device: str | None = None
    precision: Precision = "auto"
    memory: int | None = None
    compile: bool = False
    keep: bool = False

    def build(self) -> Interpolator:
        """Return the interpolator.

        Raises:
            OSError: the model's file cannot be read.
            ValueError: there is no such model, or the device or the precision is not supported.
        """
        if self.keep:
            keep_freed_memory()
        return Interpolator(
            self.name,
            self.device,
            precision=self.precision,
            memory=self.memory,
            compile=self.compile,
        )


AnyModel = ModelSpec | FrameInterpolator | Network | str | Path


def as_model(model: AnyModel | None) -> ModelSpec | FrameInterpolator:
    """Return a model that was given by its name, file, network or interpolator; None is ours."""
    if model is None:
        return ModelSpec()
    if isinstance(model, (str, Path)):
        return ModelSpec(model)
    return Interpolator(model) if isinstance(model, Network) else model


def resolve_model(model: AnyModel | None) -> FrameInterpolator:
    """Return the interpolator for a model; build it if ``model`` only names it."""
    chosen = as_model(model)
    return chosen.build() if isinstance(chosen, ModelSpec) else chosen


def fingerprint(interpolator: FrameInterpolator) -> str:
    """Return a text that stays the same as long as the interpolator computes the same frames.

    It is made of the weights and the precision of an ``Interpolator``; for anything else it is the
    attribute ``fingerprint``, or the name of the class.
    """
    if isinstance(interpolator, Interpolator):
        how = f"{interpolator.precision}{' compiled' if interpolator.compiled else ''}"
        return f"{digest(interpolator.network.state_dict())} {interpolator.network.config} {how}"
    name = f"{type(interpolator).__module__}.{type(interpolator).__qualname__}"
    return str(getattr(interpolator, "fingerprint", name))
