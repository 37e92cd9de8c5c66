"""Engine: one middle frame on a device, within a budget of memory and in a precision."""

import warnings
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from cdfi.common.devices import quick_bf16
from cdfi.interpolation.cuda_graph import CudaGraphed
from cdfi.interpolation.fused import fuse_for_gpu
from cdfi.interpolation.memory import Tiling, choose_tiling, free_memory
from cdfi.interpolation.strips import middle_by_strips
from cdfi.interpolation.tiles import middle_by_tiles
from cdfi.models import Config, Network

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Engine:
    """Computes middle frames with one network.

    It chooses strips, tiles, a copy of the network for the GPU and a CUDA graph, and repeats a
    frame that overflows in fp16 in fp32.

    Args:
        network: moved to the device; in evaluation mode from here on.
        device: where it is computed.
        precision: "fp32", "bf16", "fp16", or "auto": see :func:`automatic_precision`.
        memory: bytes the network may take on its device; None takes what is free, less a margin.
        compile: fuse operations between the convolutions with ``torch.compile``.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device,
        *,
        precision: Precision = "auto",
        memory: int | None = None,
        compile: bool = False,
    ) -> None:
        self.device = device
        self.network: Network = network.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        automatic = automatic_precision(device, network.config)
        self.precision = automatic if precision == "auto" else precision
        self.memory, self.compiled = memory, compile
        self._tilings: dict[torch.Size, Tiling] = {}
        self._networks: dict[str, Network] = {"fp32": self.network}
        self._last_key: tuple[torch.Size, str] | None = None
        self._graph: CudaGraphed | None = None
        # A CUDA graph keeps memory in addition to what others need: not used with a budget.
        self._graph_allowed = device.type == "cuda" and not compile and memory is None
        if compile:
            compile_parts(self.network)

    def middle(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return the frame half-way between two, float32 (N, 3, H, W) in [0, 1].

        Args:
            frame0, frame1: float32 (N, 3, H, W) in [0, 1], on the engine's device.
        """
        with torch.inference_mode():
            middle = self._run(frame0, frame1)
            if self.precision == "fp16" and not torch.isfinite(middle).all():
                warnings.warn(
                    "this network overflows in fp16: going on in fp32 (--precision bf16 is quicker "
                    "where the device has it)",
                    stacklevel=3,
                )
                self.precision = "fp32"
                middle = self._run(frame0, frame1)
        with torch.no_grad():
            return middle.clamp(0, 1)  # an ordinary tensor, which a gradient may be taken through

    def _run(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """The network's middle frame, unclamped, in float32."""
        if self._can_replay(frame0):
            try:
                self._graph = self._graph or CudaGraphed(self._forward, frame0, frame1)
                return self._graph(frame0, frame1)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                warnings.warn(f"frames go on without a CUDA graph: {reason}", stacklevel=3)
                self._graph_allowed = False
        return self._forward(frame0, frame1)

    def _can_replay(self, frame: Tensor) -> bool:
        """Whether to replay a graph: of the second frame of a kind on, until another kind comes."""
        kind, seen = (frame.shape, self.precision), self._last_key
        if kind != seen:
            self._last_key, self._graph = kind, None
        return self._graph_allowed and kind == seen and not self._tiling(frame.shape).tile

    def _forward(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        shape, network = self._tiling(frame0.shape), self._network_for_precision()
        with torch.autocast(
            self.device.type, _DTYPES[self.precision], enabled=self.precision != "fp32"
        ):
            if shape.tile:
                middle = middle_by_tiles(network, frame0, frame1, shape.tile)
            else:
                middle = middle_by_strips(network, frame0, frame1, shape.chunk, shape.strip)
        return middle.float()

    def _network_for_precision(self) -> Network:
        """The network as it works in the precision at hand: on a GPU, a copy made for it."""
        if self.precision not in self._networks:
            fits = self.device.type == "cuda" and not self.compiled
            dtype = _DTYPES[self.precision]
            self._networks[self.precision] = (
                fuse_for_gpu(self.network, dtype) if fits else self.network
            )
        return self._networks[self.precision]

    def _tiling(self, shape: torch.Size) -> Tiling:
        """The pieces of a frame: chosen once, so that all frames of a job are made alike."""
        if shape not in self._tilings:
            budget = self.memory or free_memory(self.device)
            count, _, height, width = shape
            gpu = self.device.type == "cuda"
            self._tilings[shape] = choose_tiling(
                self.network.config, height, width, count, budget, gpu
            )
        return self._tilings[shape]


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


def check_settings(precision: str, memory: int | None) -> None:
    """Raise an error for settings that no engine can have.

    Raises:
        ValueError: an unknown precision, or memory that is not above zero.
    """
    if precision not in get_args(Precision):
        raise ValueError(
            f"expected a precision of {', '.join(get_args(Precision))}; got {precision!r}"
        )
    if memory is not None and memory <= 0:
        raise ValueError(f"expected a positive number of bytes of memory, got {memory}")
