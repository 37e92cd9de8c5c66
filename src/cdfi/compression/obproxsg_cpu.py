"""The steps of OBProxSG in one pass over memory: contiguous float32 on a CPU."""

from functools import partial

import torch
from numpy import float32
from numpy.typing import NDArray
from torch import Tensor

from cdfi.common.numba import compiled_exactly
from cdfi.common.threads import Kernel, over_lines

Pair = tuple[Tensor, Tensor]

#: Values that a thread updates at a time; smaller models do not use a second thread.
PIECE = 1 << 19


def is_supported(x: Tensor, grad: Tensor) -> bool:
    """Return whether these kernels can update ``x``."""
    return all(
        t.device.type == "cpu" and t.dtype == torch.float32 and t.is_contiguous() for t in (x, grad)
    )


def prox_step(pairs: list[Pair], lr: float, lambda_: float) -> None:
    """Take the proximal step of every (x, gradient), in place."""
    _over(pairs, partial(_prox, lr=float32(lr), t=float32(lr * lambda_)))


def orthant_step(pairs: list[Pair], lr: float, lambda_: float, eps: float) -> None:
    """Take the orthant step of every (x, gradient), in place."""
    _over(pairs, partial(_orthant, lr=float32(lr), lambda_=float32(lambda_), eps=float32(eps)))


def _over(pairs: list[Pair], kernel: Kernel) -> None:
    """Run ``kernel`` on all values, in pieces, on several threads if there are enough values."""
    pieces = [
        (x.numpy(), grad.numpy())
        for pair in pairs
        for x, grad in zip(*(torch.split(t.detach().view(-1), PIECE) for t in pair))
    ]

    def run(start: int, stop: int) -> None:
        for x, grad in pieces[start:stop]:
            kernel(x, grad)

    if sum(x.size for x, _ in pieces) < 2 * PIECE:
        run(0, len(pieces))
    else:
        over_lines(run, len(pieces), least=1)


@compiled_exactly
def _prox(x: NDArray[float32], grad: NDArray[float32], lr: float32, t: float32) -> None:
    for i in range(x.size):
        z = x[i] - lr * grad[i]
        x[i] = z - min(max(z, -t), t)


@compiled_exactly
def _orthant(
    x: NDArray[float32], grad: NDArray[float32], lr: float32, lambda_: float32, eps: float32
) -> None:
    zero, one = float32(0), float32(1)
    for i in range(x.size):  # the sign in two steps, so that the loop vectorises
        sign = one if x[i] > zero else zero
        sign = sign - (one if x[i] < zero else zero)
        y = x[i] - lr * (grad[i] + lambda_ * sign)
        x[i] = y if y * sign > eps else zero
