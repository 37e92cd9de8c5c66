"""Moving averages of gradients, for optimizers with a penalty: momentum, and those of Adam."""

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


def direction(
    grad: Tensor, state: dict[str, Any], momentum: float, betas: tuple[float, float] | None
) -> tuple[Tensor, Tensor | None]:
    """Return the averaged gradient, and the mean of its squares for Adam, without bias.

    Both averages have weights that sum to 1, so that at a fixed point the direction is the gradient
    and the conditions of optimality are those of the penalised loss.
    """
    first, second = betas or (momentum, 0.0)
    if first == 0 and betas is None:
        return grad, None
    count = state["averaged"] = state.get("averaged", 0) + 1
    mean = _averaged(state, "mean", grad, first) / (1 - first**count)
    if betas is None:
        return mean, None
    return mean, _averaged(state, "square", grad * grad, second) / (1 - second**count)


def _averaged(state: dict[str, Any], name: str, value: Tensor, beta: float) -> Tensor:
    if name not in state:
        state[name] = torch.zeros_like(value)
    average: Tensor = state[name]
    return average.lerp_(value, 1 - beta)
