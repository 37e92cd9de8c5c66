"""Engine: frames between two frames, on one device, within a memory budget, in one precision."""

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cdfi.common.allocator import free_memory
from cdfi.common.errors import first_line
from cdfi.interpolation.cuda_graph import CudaGraphed
from cdfi.interpolation.fused import fuse_for_gpu
from cdfi.interpolation.memory import Tiling
from cdfi.interpolation.pieces import Computation, computation, peak_of, tiling_for
from cdfi.interpolation.precision import DTYPES, Precision, automatic_precision
from cdfi.models import AnyNetwork, Network

_MIDDLE = 0.5


class Gap:
    """Two frames, and what is computed once for all instants between them.

    Attributes:
        frame0: float32 (N, 3, H, W) in [0, 1], on the engine's device.
        frame1: the same.
    """

    def __init__(self, engine: "Engine", frame0: Tensor, frame1: Tensor) -> None:
        self.frame0, self.frame1 = frame0, frame1
        self._engine = engine
        self._precision: str | None = None
        self._state: Any = None

    def frame(self, t: float = _MIDDLE) -> Tensor:
        """Return the frame at ``t``, float32 (N, 3, H, W) in [0, 1].

        Args:
            t: instant in (0, 1), 0 at ``frame0`` and 1 at ``frame1``.

        Raises:
            ValueError: the network computes t = 1/2 only.
        """
        return self._engine.frame_in(self, t)

    def state(self, steps: "_Steps") -> Any:
        """Return the result of ``steps.prepare``, computed once for each precision."""
        if self._precision != steps.precision:
            self._state = steps.prepare(self.frame0, self.frame1)
            self._precision = steps.precision
        return self._state


class Engine:
    """Computes frames with one network.

    It chooses strips or tiles, a copy of the network for a GPU and a CUDA graph, and repeats in
    fp32 a frame that overflows in fp16.

    Args:
        network: moved to the device, and in evaluation mode from here on.
        device: where frames are computed.
        precision: "fp32", "bf16", "fp16", or "auto": see ``automatic_precision``.
        memory: bytes that the network may take on the device; None: what is free, less a margin.
        compile: fuse operations between the convolutions with ``torch.compile``.

    Attributes:
        precision: the precision in use: "fp32", "bf16" or "fp16".
    """

    def __init__(
        self,
        network: AnyNetwork,
        device: torch.device,
        *,
        precision: Precision = "auto",
        memory: int | None = None,
        compile: bool = False,
    ) -> None:
        self.device, self.memory, self.compiled = device, memory, compile
        network = network.to(device).eval()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        automatic = automatic_precision(device, network.config)
        self.precision: str = automatic if precision == "auto" else precision
        self._tilings: dict[torch.Size, Tiling] = {}
        self._networks: dict[str, AnyNetwork] = {"fp32": self.network}
        self._last_key: tuple[torch.Size, str] | None = None
        self._graph: CudaGraphed | None = None
        self._graph_gap: Gap | None = None
        # A CUDA graph keeps memory in addition to what others need: not used with a budget.
        self._graph_allowed = device.type == "cuda" and not compile and memory is None
        if compile:
            compile_parts(self.network)

    @property
    def takes_time(self) -> bool:
        """Whether the network computes any instant; else it computes t = 1/2 only."""
        return self.network.takes_time

    def frame(self, frame0: Tensor, frame1: Tensor, t: float = _MIDDLE) -> Tensor:
        """Return the frame at ``t``; for several instants of two frames, use :meth:`gap`.

        Args:
            frame0: float32 (N, 3, H, W) in [0, 1], on the engine's device.
            frame1: the same.
            t: instant in (0, 1).

        Raises:
            ValueError: the network computes t = 1/2 only, or the memory is too little.
        """
        return self.gap(frame0, frame1).frame(t)

    def gap(self, frame0: Tensor, frame1: Tensor) -> Gap:
        """Return the gap between two frames, which keeps what its instants share."""
        return Gap(self, frame0, frame1)

    def peak_bytes(self, height: int, width: int) -> int:
        """Return an estimate of the bytes that one frame takes at its peak."""
        tiling = self._tiling(torch.Size((1, 3, height, width)))
        return peak_of(self.network, height, width, tiling)

    def frame_in(self, gap: Gap, t: float) -> Tensor:
        """Return the frame at ``t`` of ``gap``; see :meth:`Gap.frame`."""
        if not self.takes_time and t != _MIDDLE:
            raise ValueError(f"this network computes the frame at t = 1/2 only, not at {t}")
        with torch.inference_mode():
            frame = self._run(gap, t)
            if self.precision == "fp16" and not torch.isfinite(frame).all():
                warnings.warn(
                    "this network overflows in fp16: continuing in fp32 (--precision bf16 is "
                    "faster if the device supports it)",
                    stacklevel=4,
                )
                self.precision = "fp32"
                frame = self._run(gap, t)
        with torch.no_grad():
            return frame.clamp(0, 1)  # an ordinary tensor, through which gradients can be taken

    def _run(self, gap: Gap, t: float) -> Tensor:
        """Return the frame, unclamped, in float32: from a CUDA graph if that is possible."""
        steps = self._steps(gap.frame0.shape)
        if self._can_replay(gap.frame0.shape):
            try:
                return self._replay(steps, gap, t)
            except RuntimeError as error:
                warnings.warn(f"continuing without a CUDA graph: {first_line(error)}", stacklevel=5)
                self._graph_allowed = False
        return steps.between(gap.state(steps), t)

    def _can_replay(self, shape: torch.Size) -> bool:
        """Return whether to use a graph: from the second frame of a shape and precision on."""
        key, last = (shape, self.precision), self._last_key
        if key != last:
            self._last_key, self._graph, self._graph_gap = key, None, None
        return self._graph_allowed and key == last and not self._tiling(shape).tile

    def _replay(self, steps: "_Steps", gap: Gap, t: float) -> Tensor:
        if self._graph is None:
            self._graph = CudaGraphed(steps, gap.frame0, gap.frame1)
        if self._graph_gap is not gap:
            self._graph.set_frames(gap.frame0, gap.frame1)
            self._graph_gap = gap
        return self._graph.frame(t)

    def _steps(self, shape: torch.Size) -> "_Steps":
        pieces = computation(self._network_for_precision(), self._tiling(shape))
        return _Steps(pieces, self.device.type, self.precision)

    def _network_for_precision(self) -> AnyNetwork:
        """Return the network as it runs in the current precision: on a GPU, a fused copy."""
        if self.precision not in self._networks:
            fuse = self.device.type == "cuda" and not self.compiled
            dtype = DTYPES[self.precision]
            copy = fuse_for_gpu(self.network, dtype) if fuse else self.network
            self._networks[self.precision] = copy
        return self._networks[self.precision]

    def _tiling(self, shape: torch.Size) -> Tiling:
        """Return the pieces of a frame: chosen once, so that all frames of a job are alike."""
        if shape not in self._tilings:
            budget = self.memory or free_memory(self.device)
            gpu = self.device.type == "cuda"
            self._tilings[shape] = tiling_for(self.network, shape, budget, gpu)
        return self._tilings[shape]


class _Steps(NamedTuple):
    """A computation under autocast, with results in float32."""

    pieces: Computation
    device: str
    precision: str

    @property
    def shares(self) -> bool:
        return self.pieces.shares

    def prepare(self, frame0: Tensor, frame1: Tensor) -> Any:
        with self._autocast():
            return self.pieces.prepare(frame0, frame1)

    def between(self, state: Any, t: float | Tensor) -> Tensor:
        with self._autocast():
            return self.pieces.between(state, t).float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device, DTYPES[self.precision], enabled=self.precision != "fp32")


def compile_parts(network: AnyNetwork) -> None:
    """Compile the parts that run on a frame or a chunk of it, each as one graph.

    U-Net and GridNet, or both steps of a network that takes t.
    """
    parts: list[tuple[nn.Module, str]]
    if isinstance(network, Network):
        parts = [(network, "encode"), (network, "decode")]
        if network.synthesis is not None:
            parts.append((network.synthesis, "columns"))
    else:
        parts = [(network, "prepare"), (network, "between")]
    for module, method in parts:
        if method not in vars(module):  # else it is compiled already
            setattr(module, method, torch.compile(getattr(module, method)))
