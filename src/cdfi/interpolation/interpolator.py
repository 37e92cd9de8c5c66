"""Interpolator: two frames in, the frames between them out, on any device, in bounded memory."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import torch

from cdfi.common.devices import choose_device
from cdfi.interpolation.engine import Engine, Precision, check_settings
from cdfi.interpolation.frame_batch import Frame, check_pair, from_batch, to_batch
from cdfi.interpolation.midpoints import TOLERANCE, ancestors, nearest_dyadics
from cdfi.models import Network
from cdfi.weights import load


class Interpolator:
    """Makes the frames between two frames.

    Args:
        model: a name or path that :func:`cdfi.load` takes, or a network. A GPU works in half
            precision with a copy of it, as it is at the first frame.
        device: "cpu", "cuda", "mps", ...; by default CUDA where there is one, else the CPU.
        precision: "fp32", "bf16", "fp16", or "auto": see ``automatic_precision``. A network
            that overflows in fp16 goes on in fp32, with a warning.
        memory: bytes the network may take on its device; by default what is free, less a margin.
            Less memory means smaller strips, then overlapping tiles (which may differ slightly).
        compile: fuse what lies between the convolutions with ``torch.compile``: each size of frame
            costs a minute or so at first (and a C++ compiler must be there on a CPU).

    Attributes:
        engine: computes one middle frame; times are the interpolator's.
    """

    def __init__(
        self,
        model: str | Path | Network = "default",
        device: torch.device | str | None = None,
        *,
        precision: Precision = "auto",
        memory: int | None = None,
        compile: bool = False,
    ) -> None:
        check_settings(precision, memory)
        place = choose_device(device)
        network = model if isinstance(model, Network) else load(model, place)
        self.engine = Engine(network, place, precision=precision, memory=memory, compile=compile)

    @property
    def network(self) -> Network:
        """The bare network; ``network(frame0, frame1)`` is the unclamped middle frame."""
        return self.engine.network

    @property
    def device(self) -> torch.device:
        """The device that frames are computed on."""
        return self.engine.device

    @property
    def precision(self) -> str:
        """The precision in use: "fp32", "bf16" or "fp16"."""
        return self.engine.precision

    @property
    def memory(self) -> int | None:
        """The budget in bytes; None if it is chosen from the free memory."""
        return self.engine.memory

    @property
    def compiled(self) -> bool:
        """Whether the network is compiled with ``torch.compile``."""
        return self.engine.compiled

    def __call__(self, frame0: Frame, frame1: Frame) -> Frame:
        """The frame half-way between two; see :meth:`between` for what frames are."""
        return next(iter(self.between(frame0, frame1, [Fraction(1, 2)])))

    def between(
        self,
        frame0: Frame,
        frame1: Frame,
        times: Sequence[Fraction],
        tolerance: Fraction = TOLERANCE,
    ) -> Iterator[Frame]:
        """The frames at ``times``, in order, by recursive midpoints; each midpoint is made once.

        Args:
            frame0, frame1: float tensors (3, H, W) or (N, 3, H, W) of RGB in [0, 1], or numpy
                images (H, W, 3) of uint8, uint16 or float in [0, 1]. Any size from 1 x 1 up.
            times: increasing instants in (0, 1): 0 is ``frame0``, 1 is ``frame1``.
            tolerance: how far a frame may be from its instant. Instants whose denominator is a
                power of two are met exactly, and different instants never share a frame.

        Returns:
            Frames of the same kind, on the same device, clamped to [0, 1].

        Raises:
            ValueError: frames that are no such images or differ in size or kind; bad times.
        """
        check_pair(frame0, frame1)
        targets = nearest_dyadics(times, tolerance)
        return self._walk(frame0, frame1, targets)

    def _walk(self, frame0: Frame, frame1: Frame, targets: list[Fraction]) -> Iterator[Frame]:
        made = {
            Fraction(0): to_batch(frame0).to(self.device),
            Fraction(1): to_batch(frame1).to(self.device),
        }
        last_use = {t: i for i, target in enumerate(targets) for t in ancestors(target)}
        for i, target in enumerate(targets):
            for t, (before, after) in ancestors(target).items():
                if t not in made:
                    made[t] = self.engine.middle(made[before], made[after])
            yield from_batch(made[target], frame0)
            made = {t: x for t, x in made.items() if last_use.get(t, len(targets)) > i}
