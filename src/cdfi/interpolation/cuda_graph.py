"""CUDA graphs: what a GPU is told to do for one pair of frames, recorded once and replayed."""

from collections.abc import Callable

import torch
from torch import Tensor

Make = Callable[[Tensor, Tensor], Tensor]


class CudaGraphed:
    """A function of two frames of one shape, as a CUDA graph.

    A frame is several hundred launches, which take the host longer than a small frame takes the
    GPU. The graph keeps the memory that its tensors had.

    Args:
        make: the function; it never waits for the device, and has run before on such frames.
        frame0, frame1: of the shape it will be called with, on the device.

    Raises:
        RuntimeError: something in ``make`` cannot be recorded.
    """

    def __init__(self, make: Make, frame0: Tensor, frame1: Tensor) -> None:
        self._frames = frame0.clone(), frame1.clone()
        torch.cuda.empty_cache()  # what ``make`` had before; the graph's memory is its own
        self._graph = torch.cuda.CUDAGraph()
        # Other threads, which convert frames on the same device, may go on meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._made = make(*self._frames)

    def __call__(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """What ``make`` gives for these frames, in a tensor of its own."""
        for mine, frame in zip(self._frames, (frame0, frame1)):
            mine.copy_(frame)
        self._graph.replay()
        return self._made.clone()
