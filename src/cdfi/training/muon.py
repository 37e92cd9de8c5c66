"""Muon for the filters of convolutions, AdamW for everything else, as one optimizer."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from cdfi.ops.half import quick_bf16

_MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)  # steepest at 0: Jordan et al., 2024
_ITERATIONS = 5
_SCALE = 0.2  # the root mean square of an AdamW step: Liu et al., arXiv 2502.16982, section 2.2


class Muon(Optimizer):
    """Steps along the orthogonalized momentum of each layer's (out, in * k * k) matrix.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). Its steps are
    scaled to the size of AdamW's (Liu et al., arXiv 2502.16982), so one rate serves both. PyTorch's
    own Muon takes matrices only and always iterates in bfloat16, which processors without such
    arithmetic do a hundred times slower than float32.

    Args:
        parameters: those with two dimensions or more go to Muon, the others to AdamW.
        lr: learning rate of both.
        weight_decay: decoupled, of the matrices alone.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr})
        self._filters = [p for p in parameters if p.ndim >= 2]
        self._matrices = [nn.Parameter(_matrix(p.detach())) for p in self._filters]
        self._muon = MatrixMuon(self._matrices, lr, weight_decay)
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


class MatrixMuon(Optimizer):
    """Muon for parameters that are matrices: Nesterov momentum, made orthogonal.

    Args:
        matrices: (rows, columns) each.
        lr: learning rate.
        weight_decay: decoupled.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every matrix that has a gradient."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, group["lr"], group["weight_decay"])
        return loss

    def _move(self, matrix: nn.Parameter, lr: float, weight_decay: float) -> None:
        state, gradient = self.state[matrix], matrix.grad
        assert gradient is not None
        momentum = state.setdefault("momentum", torch.zeros_like(gradient))
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        direction = orthogonalized(gradient.lerp(momentum, _MOMENTUM))
        size = _SCALE * math.sqrt(max(matrix.shape))
        matrix.mul_(1 - lr * weight_decay).add_(direction, alpha=-lr * size)


def orthogonalized(matrix: Tensor) -> Tensor:
    """About U V^T of ``matrix`` = U S V^T, by a Newton-Schulz iteration of degree five.

    Only about: the singular values end between 0.7 and 1.2 (Jordan et al., 2024), and very small
    ones below. Computed in bfloat16 where the device is quick at it, else in float32.

    Args:
        matrix: (rows, columns).
    """
    quick = quick_bf16(matrix.device)
    x = matrix.to(torch.bfloat16 if quick else torch.float32)
    wide = x.mT if x.shape[0] > x.shape[1] else x
    wide = wide / wide.norm().clamp(min=1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return (wide.mT if x.shape[0] > x.shape[1] else wide).to(matrix.dtype)


def _matrix(filters: Tensor) -> Tensor:
    """A (out, rest) view of the same memory, whichever of the two layouts it has."""
    if filters.is_contiguous():
        return filters.view(filters.shape[0], -1)
    return filters.movedim(1, -1).view(filters.shape[0], -1)


def _like(gradient: Tensor, filters: Tensor) -> Tensor:
    """A gradient as a matrix with its columns in the order of ``_matrix(filters)``."""
    return (gradient if filters.is_contiguous() else gradient.movedim(1, -1)).flatten(1)
