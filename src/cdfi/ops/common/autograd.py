"""Gradients of an operation's kernels by differentiating its reference."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def reference_gradients(
    reference: Callable[..., Tensor], grad: Tensor, inputs: Sequence[Any]
) -> list[Tensor | None]:
    """Return the gradient of each input; None if it is not a tensor or needs no gradient.

    Args:
        reference: the differentiable definition of the operation.
        grad: of its result.
        inputs: what the operation was called with.
    """
    with torch.enable_grad():
        leaves = [x.detach().requires_grad_(x.requires_grad) if _is_float(x) else x for x in inputs]
        wanted = [i for i, x in enumerate(leaves) if _is_float(x) and x.requires_grad]
        result = reference(*leaves)
        found = torch.autograd.grad(result, [leaves[i] for i in wanted], grad.to(result.dtype))
    gradients: list[Tensor | None] = [None] * len(leaves)
    for i, gradient in zip(wanted, found):
        gradients[i] = gradient
    return gradients


def _is_float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point()
