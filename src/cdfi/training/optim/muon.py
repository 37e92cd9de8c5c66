"""Muon for the filters of convolutions, AdamW for everything else, as one optimizer."""

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from cdfi.common.devices import quick_bf16
from cdfi.common.multiples import round_up

_MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)  # steepest at 0: Jordan et al., 2024
_ITERATIONS = 5
_SCALE = 0.2  # the root mean square of an AdamW step: Liu et al., arXiv 2502.16982, section 2.2


class Muon(Optimizer):
    """Step along the orthogonalized momentum of each layer's (out, in * k * k) matrix.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). Its steps are
    scaled to the size of AdamW's (Liu et al., arXiv 2502.16982), so one rate serves both. PyTorch's
    own Muon takes matrices only and always iterates in bfloat16, which is a hundred times slower
    than float32 on processors without bfloat16 instructions.

    Args:
        parameters: those with two dimensions or more go to Muon, the others to AdamW.
        lr: learning rate of both.
        weight_decay: decoupled weight decay, of the matrices only.
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
        """Take one step of both."""
        loss = closure() if closure is not None else None
        for filters, matrix in zip(self._filters, self._matrices):
            matrix.grad = None if filters.grad is None else _like(filters.grad, filters)
        for part in self._parts():
            part.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of the filters too; the groups hold views of them."""
        super().zero_grad(set_to_none)
        for filters in self._filters:
            if set_to_none:
                filters.grad = None
            elif filters.grad is not None:
                filters.grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both, by their number."""
        return {str(number): part.state_dict() for number, part in enumerate(self._parts())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned.

        Raises:
            KeyError: it is the state of another optimizer.
            ValueError: it belongs to another network.
        """
        for number, part in enumerate(self._parts()):
            part.load_state_dict(state_dict[str(number)])
        self._share_groups()

    def _parts(self) -> list[Optimizer]:
        return [self._muon, *([self._adamw] if self._adamw else [])]

    def _share_groups(self) -> None:
        """Share ``param_groups`` so that a learning rate set here reaches both optimizers."""
        self.param_groups = [group for part in self._parts() for group in part.param_groups]


class MatrixMuon(Optimizer):
    """Muon for parameters that are matrices: orthogonalized Nesterov momentum.

    Args:
        matrices: (rows, columns) each.
        lr: learning rate.
        weight_decay: decoupled weight decay.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step of every matrix that has a gradient."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            moving = [matrix for matrix in group["params"] if matrix.grad is not None]
            if moving:
                self._move(moving, group["lr"], group["weight_decay"])
        return loss

    def _move(self, matrices: list[Tensor], lr: float, weight_decay: float) -> None:
        """Update all in a few calls: one by one, launching them takes longer than the network."""
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
    """Return about U V^T of each matrix U S V^T, by a Newton-Schulz iteration of degree five.

    It is an approximation: the singular values end between 0.7 and 1.2 (Jordan et al., 2024),
    and very small ones below. Computed in bfloat16 if the device has instructions for it, else in
    float32. On a GPU, matrices of similar sizes are zero-padded to form one batch.

    Args:
        matrices: (rows, columns) each, all on one device and of one dtype.
    """
    device = matrices[0].device
    dtype = torch.bfloat16 if quick_bf16(device) else torch.float32
    rows, columns = _size_multiples(device)
    by_size: dict[tuple[int, int], list[int]] = {}
    for number, matrix in enumerate(matrices):
        short, long = sorted(matrix.shape)
        size = (round_up(short, rows), round_up(long, columns))
        by_size.setdefault(size, []).append(number)
    results = list(matrices)
    for size, numbers in by_size.items():
        batch = torch.zeros((len(numbers), *size), dtype=dtype, device=device)
        wide = [_wide(matrices[number]) for number in numbers]
        slots = [one[: m.shape[0], : m.shape[1]] for one, m in zip(batch, wide)]
        torch._foreach_copy_(slots, wide)
        for number, found, m in zip(numbers, _iterated(batch), wide):
            found = found[: m.shape[0], : m.shape[1]].to(m.dtype)
            results[number] = found if m is matrices[number] else found.mT
    return results


def _size_multiples(device: torch.device) -> tuple[int, int]:
    """Return the multiples that rows and columns are padded to: on a GPU, 64 of 3 x 3 x 64."""
    return (64, 576) if device.type == "cuda" else (1, 1)


def _wide(matrix: Tensor) -> Tensor:
    return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix


def _iterated(batch: Tensor) -> Tensor:
    """Return the result of the iteration on (N, rows, columns), rows <= columns."""
    norm = torch.linalg.vector_norm(batch, dim=(1, 2), keepdim=True, dtype=torch.float32)
    wide: Tensor = batch / norm.clamp(min=1e-7).to(batch.dtype)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide


def _matrix(filters: Tensor) -> Tensor:
    """Return an (out, rest) view of the same memory, contiguous or channels-last."""
    if filters.is_contiguous():
        return filters.view(filters.shape[0], -1)
    return filters.movedim(1, -1).view(filters.shape[0], -1)


def _like(gradient: Tensor, filters: Tensor) -> Tensor:
    """Return a gradient as a matrix, its columns in the order of ``_matrix(filters)``."""
    return (gradient if filters.is_contiguous() else gradient.movedim(1, -1)).flatten(1)
