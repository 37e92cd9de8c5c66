"""Which devices have kernels, and where they are."""

import importlib
import importlib.util
from types import ModuleType

import torch
from torch import Tensor

HAS_TRITON = importlib.util.find_spec("triton") is not None


def has_kernel(x: Tensor) -> bool:
    """Whether our operations have kernels for the tensor's device, and its precision there."""
    if x.device.type == "cuda":
        return HAS_TRITON and x.dtype != torch.float64
    return x.device.type in ("cpu", "meta")


def kernels(device: torch.device, operation: str) -> ModuleType:
    """Return the module of an operation's kernels, imported late because its compiler loads slowly.

    Args:
        device: one that has kernels.
        operation: a package of :mod:`cdfi.ops`, such as "adacof".
    """
    kind = "triton" if device.type == "cuda" else "cpu"
    return importlib.import_module(f"cdfi.ops.{operation}.{kind}")
