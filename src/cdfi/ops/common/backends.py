"""Decide which tensors have a kernel on this machine.

All operations follow one pattern:

- ``op.py`` has the public function. It checks the arguments. If a tensor has no kernel, the
  function returns the reference, which autograd differentiates. Otherwise it calls an operation of
  ``torch.library`` with a kernel per device, a fake kernel, and its gradient.
- ``reference.py`` defines the operation in plain PyTorch, on any device.
- ``cpu.py`` (Numba) and ``triton.py`` (CUDA) have functions of the same names and signatures.
  ``op.py`` imports them inside the kernels, at the first call, because the compilers load slowly.

``resize`` and ``conv`` are for inference only: PyTorch computes them, except on a GPU.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, float64

HAS_TRITON = importlib.util.find_spec("triton") is not None
_kernels_are_used = ContextVar("_kernels_are_used", default=True)


@contextmanager
def without_kernels() -> Iterator[None]:
    """Compute every operation by its reference in this context.

    For work that takes less time than a compiler needs to load: with Numba, 2 s of CPU time if the
    kernels are in the cache, and more than 10 s if they are not.
    """
    token = _kernels_are_used.set(False)
    try:
        yield
    finally:
        _kernels_are_used.reset(token)


def has_triton_kernel(x: Tensor) -> bool:
    """Return whether Triton can run on the tensor's device, and its dtype has kernels there."""
    return x.is_cuda and HAS_TRITON and x.dtype != float64


def has_kernel(*tensors: Tensor) -> bool:
    """Return whether our operations have kernels for the devices and dtypes of all tensors.

    Meta tensors have the fake kernels.
    """
    used = torch.compiler.is_compiling() or _kernels_are_used.get()  # Dynamo has no ContextVar
    return used and all(x.device.type in ("cpu", "meta") or has_triton_kernel(x) for x in tensors)
