"""Muon for the filters of convolutions, AdamW for everything else, as one optimizer."""

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from cdfi.common.devices import quick_bf16

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
            moving = [matrix for matrix in group["params"] if matrix.grad is not None]
            if moving:
                self._move(moving, group["lr"], group["weight_decay"])
        return loss

    def _move(self, matrices: list[Tensor], lr: float, weight_decay: float) -> None:
        """All in a few calls: one by one they cost a GPU's host more than the network does."""
        gradients = [cast(Tensor, matrix.grad) for matrix in matrices]
        momenta = [self._momentum(matrix) for matrix in matrices]
        torch._foreach_lerp_(momenta, gradients, 1 - _MOMENTUM)
        directions = orthogonalized(torch._foreach_lerp(gradients, momenta, _MOMENTUM))
        sizes = [-lr * _SCALE * math.sqrt(max(matrix.shape)) for matrix in matrices]
        torch._foreach_mul_(directions, sizes)
        torch._foreach_mul_(matrices, 1 - lr * weight_decay)
        torch._foreach_add_(matrices, directions)

    def _momentum(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        return cast(Tensor, state["momentum"])


def orthogonalized(matrices: Sequence[Tensor]) -> list[Tensor]:
    """About U V^T of each matrix U S V^T, by a Newton-Schulz iteration of degree five.

    Only about: the singular values end between 0.7 and 1.2 (Jordan et al., 2024), and very small
    ones below. Computed in bfloat16 where the device is quick at it, else in float32. On a GPU
    matrices of like sizes are filled up with zeros, which change nothing, to go as one batch.

    Args:
        matrices: (rows, columns) each, of one device and dtype.
    """
    device = matrices[0].device
    dtype = torch.bfloat16 if quick_bf16(device) else torch.float32
    rows, columns = _room(device)
    alike: dict[tuple[int, int], list[int]] = {}
    for place, matrix in enumerate(matrices):
        short, long = sorted(matrix.shape)
        room = (-(-short // rows) * rows, -(-long // columns) * columns)
        alike.setdefault(room, []).append(place)
    results = list(matrices)
    for room, places in alike.items():
        batch = torch.zeros((len(places), *room), dtype=dtype, device=device)
        wide = [_wide(matrices[place]) for place in places]
        slots = [one[: m.shape[0], : m.shape[1]] for one, m in zip(batch, wide)]
        torch._foreach_copy_(slots, wide)
        for place, found, m in zip(places, _iterated(batch), wide):
            found = found[: m.shape[0], : m.shape[1]].to(m.dtype)
            results[place] = found if m is matrices[place] else found.mT
    return results


def _room(device: torch.device) -> tuple[int, int]:
    """What rows and columns are filled up to multiples of: on a GPU, 64 filters of 3 x 3 x 64."""
    return (64, 576) if device.type == "cuda" else (1, 1)


def _wide(matrix: Tensor) -> Tensor:
    return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix


def _iterated(batch: Tensor) -> Tensor:
    """The iteration on (N, rows, columns), rows no more than columns."""
    norm = torch.linalg.vector_norm(batch, dim=(1, 2), keepdim=True, dtype=torch.float32)
    wide: Tensor = batch / norm.clamp(min=1e-7).to(batch.dtype)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide


def _matrix(filters: Tensor) -> Tensor:
    """A (out, rest) view of the same memory, whichever of the two layouts it has."""
    if filters.is_contiguous():
        return filters.view(filters.shape[0], -1)
    return filters.movedim(1, -1).view(filters.shape[0], -1)


def _like(gradient: Tensor, filters: Tensor) -> Tensor:
    """A gradient as a matrix with its columns in the order of ``_matrix(filters)``."""
    return (gradient if filters.is_contiguous() else gradient.movedim(1, -1)).flatten(1)
