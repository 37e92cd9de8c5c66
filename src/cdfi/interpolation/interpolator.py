"""Interpolator: two frames in, the frames between them out, on any device, in bounded memory."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import torch

from cdfi.common.devices import choose_device
from cdfi.interpolation.engine import Engine
from cdfi.interpolation.frame_batch import Frame, check_pair, from_batch, to_batch
from cdfi.interpolation.midpoints import TOLERANCE, ancestors, nearest_dyadics
from cdfi.interpolation.motion_scale import set_scale
from cdfi.interpolation.precision import Precision, check_precision
from cdfi.interpolation.times import Time, exact_times
from cdfi.models import AnyNetwork
from cdfi.weights import load

HALF = Fraction(1, 2)


class Interpolator:
    """Computes the frames between two frames.

    Args:
        model: a name or path that :func:`cdfi.load` takes, or a network. A GPU computes in half
            precision with a copy of the network, made at the first frame.
        device: "cpu", "cuda", "mps", ...; None and "auto" mean the best one present.
        precision: "fp32", "bf16", "fp16", or "auto", which is half precision if the device is fast
            in it. A network that overflows in fp16 continues in fp32, with a warning.
        memory: bytes that the network may take on its device; by default what is free, less a
            margin. Less memory means smaller strips, then overlapping tiles (whose frames may
            differ slightly).
        compile: fuse the operations between the convolutions with ``torch.compile``. Each size of
            frame is compiled once, which takes a minute or so (on a CPU with a C++ compiler).
        scale: of the frames whose motion is estimated: 1, 0.5, 0.25, 0.125 or "auto", which makes
            very large frames smaller. The result is sampled from the full frames. For the networks
            ``flow`` and ``flow-wide``; None leaves the network as it is.

    Raises:
        ValueError: an unknown model, device or precision, or memory that is not above zero.
        OSError: the model file cannot be read.
    """

    def __init__(
        self,
        model: str | Path | AnyNetwork = "default",
        device: torch.device | str | None = None,
        *,
        precision: Precision = "auto",
        memory: int | None = None,
        compile: bool = False,
        scale: str | float | None = None,
    ) -> None:
        check_precision(precision)
        if memory is not None and memory <= 0:
            raise ValueError(f"expected a positive number of bytes of memory, got {memory}")
        chosen = choose_device(device)
        named = isinstance(model, (str, Path))
        network = load(model, chosen) if isinstance(model, (str, Path)) else model
        if scale is not None:
            set_scale(network, scale)
        self._name = str(model) if named else ""
        self._precision: Precision = precision
        self.engine = Engine(network, chosen, precision=precision, memory=memory, compile=compile)

    def __repr__(self) -> str:
        name = f"{self._name!r}, " if self._name else ""
        budget = "" if self.memory is None else f", memory={self.memory}"
        compiled = ", compile=True" if self.compiled else ""
        return (
            f"Interpolator({name}{self.network!r}, device={str(self.device)!r}, "
            f"precision={self.precision!r}{budget}{compiled})"
        )

    @property
    def network(self) -> AnyNetwork:
        """The network; ``network(frame0, frame1)`` is the middle frame, not clamped."""
        return self.engine.network

    @property
    def device(self) -> torch.device:
        """The device on which frames are computed."""
        return self.engine.device

    @property
    def precision(self) -> str:
        """The precision in use: "fp32", "bf16" or "fp16"."""
        return self.engine.precision

    @property
    def memory(self) -> int | None:
        """The budget in bytes; None if it follows from the free memory."""
        return self.engine.memory

    @property
    def compiled(self) -> bool:
        """Whether the network is compiled with ``torch.compile``."""
        return self.engine.compiled

    @property
    def takes_time(self) -> bool:
        """Whether the network computes any instant at once; else by recursive midpoints."""
        return self.engine.takes_time

    def to(self, device: torch.device | str) -> "Interpolator":
        """Move the network to ``device``, in place, and return the interpolator.

        The precision is chosen anew if it was "auto".

        Raises:
            ValueError: the device does not exist here; the message lists those that do.
        """
        self.engine = Engine(
            self.network,
            choose_device(device),
            precision=self._precision,
            memory=self.memory,
            compile=self.compiled,
        )
        return self

    def __call__(self, frame0: Frame, frame1: Frame, t: Time = HALF) -> Frame:
        """Return one frame between two; see :meth:`between` for what frames are.

        Args:
            frame0: the frame at 0.
            frame1: the frame at 1.
            t: instant in (0, 1), by default half-way.
        """
        return next(iter(self.between(frame0, frame1, [t])))

    def between(
        self,
        frame0: Frame,
        frame1: Frame,
        times: Sequence[Time] | int,
        tolerance: Time = TOLERANCE,
    ) -> Iterator[Frame]:
        """Return the frames at ``times``, in order, each computed when it is taken.

        Networks that take t compute each frame at its exact instant. Other networks compute
        midpoints of midpoints, each once, up to one that is near enough to the instant.

        Args:
            frame0: float tensor (3, H, W) or (N, 3, H, W) of RGB in [0, 1], or numpy image
                (H, W, 3) of uint8, uint16 or float in [0, 1]. Any size from 1 x 1 up.
            frame1: the same, of the same shape and dtype.
            times: increasing instants in (0, 1), 0 at ``frame0`` and 1 at ``frame1``, as numbers or
                Fractions; or how many frames, evenly spaced.
            tolerance: largest distance of a frame from its instant, for networks that compute
                midpoints. Instants whose denominator is a power of two are exact, and different
                instants never share a frame.

        Returns:
            Frames of the same kind, on the same device, clamped to [0, 1].

        Raises:
            ValueError: the frames are not such images or differ in size or kind; the times are not
                increasing or outside (0, 1).
        """
        check_pair(frame0, frame1)
        instants = exact_times(times)
        if self.takes_time:
            return self._at_instants(frame0, frame1, instants)
        return self._by_midpoints(frame0, frame1, nearest_dyadics(instants, Fraction(tolerance)))

    def _at_instants(
        self, frame0: Frame, frame1: Frame, instants: list[Fraction]
    ) -> Iterator[Frame]:
        """Yield the frame at each instant, computed at once."""
        gap = self.engine.gap(*(to_batch(frame).to(self.device) for frame in (frame0, frame1)))
        for t in instants:
            yield from_batch(gap.frame(float(t)), frame0)

    def _by_midpoints(
        self, frame0: Frame, frame1: Frame, targets: list[Fraction]
    ) -> Iterator[Frame]:
        """Yield the frame at each target m / 2^d by recursive midpoints; forget unused ones."""
        known = {
            Fraction(0): to_batch(frame0).to(self.device),
            Fraction(1): to_batch(frame1).to(self.device),
        }
        last_use = {t: i for i, target in enumerate(targets) for t in ancestors(target)}
        for i, target in enumerate(targets):
            for t, (before, after) in ancestors(target).items():
                if t not in known:
                    known[t] = self.engine.frame(known[before], known[after])
            yield from_batch(known[target], frame0)
            known = {t: x for t, x in known.items() if last_use.get(t, len(targets)) > i}
