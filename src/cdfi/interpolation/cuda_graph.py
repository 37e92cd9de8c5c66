"""CUDA graphs: the kernels for one pair of frames, captured once and replayed."""

from typing import Any

import torch
from torch import Tensor

from cdfi.interpolation.pieces import Computation


class CudaGraphed:
    """The two steps of a computation for frames of one shape, as CUDA graphs.

    A frame is several hundred kernel launches, which take the host longer than a small frame takes
    the GPU. The graphs keep the memory of their tensors.

    Args:
        steps: what is captured. They must not synchronise with the device, and have run before on
            such frames.
        frame0: of the shape that frames will have, on the device.
        frame1: the same.

    Raises:
        RuntimeError: a step cannot be captured.
    """

    def __init__(self, steps: Computation, frame0: Tensor, frame1: Tensor) -> None:
        self._frames = frame0.clone(), frame1.clone()
        self._t = torch.zeros((), device=frame0.device)
        torch.cuda.empty_cache()  # the eager steps' memory; the graphs have their own
        self._prepare: torch.cuda.CUDAGraph | None = None
        state: Any = self._frames
        if steps.shares:
            self._prepare, state = _captured(steps.prepare, *self._frames)
        self._frame: Tensor
        self._between, self._frame = _captured(steps.between, state, self._t)

    def set_frames(self, frame0: Tensor, frame1: Tensor) -> None:
        """Prepare another pair of frames."""
        for own, frame in zip(self._frames, (frame0, frame1)):
            own.copy_(frame)
        if self._prepare is not None:
            self._prepare.replay()

    def frame(self, t: float) -> Tensor:
        """Return the frame at ``t`` between the frames that were set, in a tensor of its own."""
        self._t.fill_(t)
        self._between.replay()
        return self._frame.clone()


def _captured(step: Any, *arguments: Any) -> tuple[torch.cuda.CUDAGraph, Any]:
    """Return the graph of a call, and the result that each replay overwrites."""
    graph = torch.cuda.CUDAGraph()
    # Other threads, which convert frames on the same device, continue meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        result = step(*arguments)
    return graph, result
