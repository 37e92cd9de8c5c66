"""Interpolator: a network on a device, and the frames that it computes, in bounded memory."""

from pathlib import Path

import torch

from cdfi.common.devices import choose_device
from cdfi.interpolation.between import PairInterpolator
from cdfi.interpolation.engine import Engine
from cdfi.interpolation.motion_scale import set_scale
from cdfi.interpolation.precision import Precision, check_precision
from cdfi.models import AnyNetwork
from cdfi.weights import load


class Interpolator(PairInterpolator):
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

    engine: Engine

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
        self._name = ""
        if isinstance(model, (str, Path)):
            self._name = str(model)
            model = load(model, chosen)
        if scale is not None:
            set_scale(model, scale)
        self._precision: Precision = precision
        self.engine = Engine(model, chosen, precision=precision, memory=memory, compile=compile)

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
