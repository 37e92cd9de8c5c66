"""Muon for the filters of convolutions, AdamW for everything else, as one optimizer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer


class Muon(Optimizer):
    """Steps along the orthogonalized momentum of each layer's (out, in * k * k) matrix.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), by PyTorch's
    own implementation, which takes matrices only: here it is given views of the filters. Its steps
    are scaled to the size of AdamW's (Liu et al., arXiv 2502.16982), so one rate serves both.

    Args:
        parameters: those with two dimensions or more go to Muon, the others to AdamW.
        lr: learning rate of both.
        weight_decay: decoupled, of the matrices alone.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr})
        self._filters = [p for p in parameters if p.ndim >= 2]
        self._matrices = [nn.Parameter(_matrix(p.detach())) for p in self._filters]
        self._muon = torch.optim.Muon(
            self._matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        rest = [p for p in parameters if p.ndim < 2]
        self._adamw = AdamW(rest, lr=lr, betas=(0.9, 0.99), weight_decay=0.0) if rest else None
        self._share_groups()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of both."""
        loss = closure() if closure is not None else None
        for filters, matrix in zip(self._filters, self._matrices):
            matrix.grad = None if filters.grad is None else _like(filters.grad, filters)
        for part in self._parts():
            part.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the filters as well: the groups hold their views."""
        super().zero_grad(set_to_none)
        for filters in self._filters:
            if set_to_none:
                filters.grad = None
            elif filters.grad is not None:
                filters.grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """The states of both, by their place."""
        return {str(place): part.state_dict() for place, part in enumerate(self._parts())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave.

        Raises:
            KeyError, ValueError: it is of another optimizer or network.
        """
        for place, part in enumerate(self._parts()):
            part.load_state_dict(state_dict[str(place)])
        self._share_groups()

    def _parts(self) -> list[Optimizer]:
        return [self._muon, *([self._adamw] if self._adamw else [])]

    def _share_groups(self) -> None:
        """Whoever sets a rate here sets it where it counts."""
        self.param_groups = [group for part in self._parts() for group in part.param_groups]


def _matrix(filters: Tensor) -> Tensor:
    """A (out, rest) view of the same memory, whichever of the two layouts it has."""
    if filters.is_contiguous():
        return filters.view(filters.shape[0], -1)
    return filters.movedim(1, -1).view(filters.shape[0], -1)


def _like(gradient: Tensor, filters: Tensor) -> Tensor:
    """A gradient as a matrix with its columns in the order of ``_matrix(filters)``."""
    return (gradient if filters.is_contiguous() else gradient.movedim(1, -1)).flatten(1)
