"""Call an operation of ``torch.library``, or its CPU kernel directly if the result is the same."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def call(operation: Callable[..., Any], cpu_kernel: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``operation(*arguments)``.

    The first call through ``torch.library`` imports ``torch._dynamo``, which takes two seconds of
    CPU time. In inference mode on the CPU, the dispatcher would only call the kernel: it is called
    directly.

    Args:
        operation: of ``torch.library``.
        cpu_kernel: its kernel for the CPU.
        arguments: of both.
    """
    return (cpu_kernel if _is_plain(arguments) else operation)(*arguments)


def _is_plain(arguments: tuple[Any, ...]) -> bool:
    """Return whether there is nothing for the dispatcher to do: no gradients, no tracing."""
    tensors = [x for x in arguments if isinstance(x, Tensor)]
    return (
        not torch.compiler.is_compiling()
        and torch.is_inference_mode_enabled()
        and not torch.is_autocast_enabled("cpu")
        and all(type(x) is Tensor and x.device.type == "cpu" for x in tensors)
    )
