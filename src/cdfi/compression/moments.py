"""Moving averages of gradients, for optimizers with a penalty: momentum, and those of Adam."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

#: Added to the root of the second moment, as in Adam (Kingma and Ba, ICLR 2015).
ADAM_EPS = 1e-8


def check_moments(momentum: float, betas: tuple[float, float] | None) -> None:
    """Raise ValueError for rates of decay outside [0, 1), or for both kinds at once."""
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum lies in [0, 1), got {momentum}")
    if betas is not None and (momentum or not all(0 <= beta < 1 for beta in betas)):
        raise ValueError(
            f"betas are two numbers in [0, 1), without momentum, got {betas} and {momentum}"
        )


def directions(
    params: list[Tensor],
    grads: list[Tensor],
    state: Mapping[Tensor, dict[str, Any]],
    momentum: float,
    betas: tuple[float, float] | None,
) -> tuple[list[Tensor], list[Tensor] | None]:
    """Return the averaged gradients, and the means of their squares for Adam, without bias.

    Both averages have weights that sum to 1, so that at a fixed point the direction is the gradient
    and the conditions of optimality are those of the penalised loss. The averages are kept in the
    state of each parameter, and updated for all parameters together.
    """
    if (momentum == 0 and betas is None) or not params:
        return grads, None
    states = [state[p] for p in params]
    for own in states:
        own["averaged"] = own.get("averaged", 0) + 1
    first, second = betas or (momentum, 0.0)
    means = _averages(states, "mean", grads)
    torch._foreach_lerp_(means, grads, 1 - first)
    means = _without_bias(means, states, first)
    if betas is None:
        return means, None
    squares = _averages(states, "square", grads)
    torch._foreach_mul_(squares, second)
    torch._foreach_addcmul_(squares, grads, grads, value=1 - second)
    return means, _without_bias(squares, states, second)


def _averages(states: list[dict[str, Any]], name: str, grads: list[Tensor]) -> list[Tensor]:
    for own, grad in zip(states, grads):
        if name not in own:
            own[name] = torch.zeros_like(grad)
    return [own[name] for own in states]


def _without_bias(
    averages: list[Tensor], states: list[dict[str, Any]], beta: float
) -> list[Tensor]:
    return list(torch._foreach_div(averages, [1 - beta ** own["averaged"] for own in states]))
