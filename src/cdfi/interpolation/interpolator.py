"""Interpolator: two frames in, the frames between them out, on any device, in bounded memory."""

import warnings
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from cdfi.common.devices import choose_device, quick_bf16
from cdfi.interpolation.frames import Frame, check_pair, from_batch, to_batch
from cdfi.interpolation.memory import Plan, free_memory, plan
from cdfi.interpolation.midpoints import TOLERANCE, ancestors, nearest_dyadics
from cdfi.interpolation.recorded import Recorded
from cdfi.interpolation.tiles import middle_by_tiles
from cdfi.models import Config, Network
from cdfi.models.filled import filled
from cdfi.models.strips import middle_by_strips
from cdfi.weights import load

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Interpolator:
    """Makes the frames between two frames.

    Args:
        model: a name or path that :func:`cdfi.load` takes, or a network. A GPU works in half
            precision with a copy of it, as it is at the first frame.
        device: "cpu", "cuda", "mps", ...; by default CUDA where there is one, else the CPU.
        precision: "fp32", "bf16", "fp16", or "auto": see :func:`automatic_precision`. A network
            that overflows in fp16 goes on in fp32, with a warning.
        memory: bytes the network may take on its device; by default what is free, less a margin.
            Less memory means smaller strips, then overlapping tiles (which may differ slightly).
        compile: fuse what lies between the convolutions with ``torch.compile``: each size of frame
            costs a minute or so at first (and a C++ compiler must be there on a CPU).

    Attributes:
        network: the bare network; ``network(frame0, frame1)`` is the unclamped middle frame.
    """

    def __init__(
        self,
        model: str | Path | Network = "default",
        device: torch.device | str | None = None,
        precision: Precision = "auto",
        memory: int | None = None,
        compile: bool = False,
    ) -> None:
        self.device = choose_device(device)
        if precision not in get_args(Precision):
            raise ValueError(
                f"expected a precision of {', '.join(get_args(Precision))}; got {precision!r}"
            )
        if memory is not None and memory <= 0:
            raise ValueError(f"expected a positive number of bytes of memory, got {memory}")
        network = model if isinstance(model, Network) else load(model, self.device)
        self.network = network.to(self.device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        automatic = automatic_precision(self.device, network.config)
        self.precision = automatic if precision == "auto" else precision
        self.memory, self.compiled = memory, compile
        self._plans: dict[torch.Size, Plan] = {}
        self._working: dict[str, Network] = {"fp32": self.network}
        self._shown: tuple[torch.Size, str] | None = None
        self._recorded: Recorded | None = None
        # A graph keeps memory beside what others need: not where that is counted.
        self._recordable = self.device.type == "cuda" and not compile and memory is None
        if compile:
            compile_parts(self.network)

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
                    made[t] = self._middle(made[before], made[after])
            yield from_batch(made[target], frame0)
            made = {t: x for t, x in made.items() if last_use.get(t, len(targets)) > i}

    def _middle(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        with torch.inference_mode():
            middle = self._made(frame0, frame1)
            if self.precision == "fp16" and not torch.isfinite(middle).all():
                warnings.warn(
                    "this network overflows in fp16: going on in fp32 (--precision bf16 is quicker "
                    "where the device has it)",
                    stacklevel=2,
                )
                self.precision = "fp32"
                middle = self._made(frame0, frame1)
        with torch.no_grad():
            return middle.clamp(0, 1)  # an ordinary tensor, which a gradient may be taken through

    def _made(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """The network's middle frame, unclamped, in float32."""
        if self._records(frame0):
            try:
                self._recorded = self._recorded or Recorded(self._computed, frame0, frame1)
                return self._recorded(frame0, frame1)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                warnings.warn(f"frames go on without a CUDA graph: {reason}", stacklevel=2)
                self._recordable = False
        return self._computed(frame0, frame1)

    def _records(self, frame: Tensor) -> bool:
        """Whether to replay a graph: of the second frame of a kind on, until another kind comes."""
        kind, seen = (frame.shape, self.precision), self._shown
        if kind != seen:
            self._shown, self._recorded = kind, None
        return self._recordable and kind == seen and not self._plan(frame.shape).tile

    def _computed(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        shape, network = self._plan(frame0.shape), self._worker()
        with torch.autocast(
            self.device.type, _DTYPES[self.precision], enabled=self.precision != "fp32"
        ):
            if shape.tile:
                middle = middle_by_tiles(network, frame0, frame1, shape.tile)
            else:
                middle = middle_by_strips(network, frame0, frame1, shape.chunk, shape.strip)
        return middle.float()

    def _worker(self) -> Network:
        """The network as it works in the precision at hand: on a GPU, a copy made for it."""
        if self.precision not in self._working:
            fits = self.device.type == "cuda" and not self.compiled
            dtype = _DTYPES[self.precision]
            self._working[self.precision] = filled(self.network, dtype) if fits else self.network
        return self._working[self.precision]

    def _plan(self, shape: torch.Size) -> Plan:
        """The pieces of a frame: chosen once, so that all frames of a job are made alike."""
        if shape not in self._plans:
            budget = self.memory or free_memory(self.device)
            count, _, height, width = shape
            gpu = self.device.type == "cuda"
            self._plans[shape] = plan(self.network.config, height, width, count, budget, gpu)
        return self._plans[shape]


def compile_parts(network: Network) -> None:
    """Compile what runs on the whole frame or a chunk of it: U-Net and GridNet, each one graph."""
    parts: list[tuple[nn.Module, str]] = [(network, "encode"), (network, "decode")]
    if network.synthesis is not None:
        parts.append((network.synthesis, "columns"))
    for module, method in parts:
        setattr(module, method, torch.compile(getattr(module, method)))


def automatic_precision(device: torch.device, config: Config) -> str:
    """Half precision where the device multiplies matrices in it and no frame shows it.

    Networks that only say where to sample: bf16, on GPUs since Ampere and processors with
    AVX512-BF16 or AMX; fp16 has too little range for them (the default's encoder overflows on a
    GPU). A synthesis computes colours themselves, and bf16 has eight bits for them: fp16 on CUDA.
    Else fp32.
    """
    if config.grid:
        return "fp16" if device.type == "cuda" else "fp32"
    quick = device.type in ("cpu", "cuda") and quick_bf16(device)
    return "bf16" if quick else "fp32"
