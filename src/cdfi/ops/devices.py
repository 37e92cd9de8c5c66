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


def kernels(device: torch.device, start: str = "") -> ModuleType:
    """The module of a device's kernels: imported late, as its compiler takes a while to load.

    Args:
        device: with kernels.
        start: what the module's name begins with, before "cpu" or "triton".
    """
    kind = "triton" if device.type == "cuda" else "cpu"
    return importlib.import_module(f"cdfi.ops.{start}{kind}")
