"""The steps of HSPG in two passes over memory: contiguous float32 on a CPU."""

import numpy
import torch
from numpy import float32, float64
from numpy.typing import NDArray
from torch import Tensor

from cdfi.common.numba import compiled
from cdfi.common.threads import Kernel, over_lines
from cdfi.compression.hspg_foreach import Rate, RowLayout, half_space_factors
from cdfi.compression.obproxsg_cpu import PIECE, is_supported

Block = tuple[NDArray[float32], NDArray[float32]]


def supports(x: list[Tensor], direction: list[Tensor]) -> bool:
    """Return whether these kernels can update all of ``x``."""
    return all(map(is_supported, x, direction))


def prox_step(
    layout: RowLayout, x: list[Tensor], mean: list[Tensor], rate: Rate, t: Tensor
) -> None:
    """Take the step of :func:`cdfi.compression.hspg_foreach.prox_step`."""
    blocks = _blocks(layout, x, mean)
    xx, xd, dd = _row_products(blocks, layout)
    moved = xx - 2 * rate.rows * xd + rate.rows**2 * dd  # |x - rate * mean|²
    norms = layout.totals(moved).clamp(min=0).sqrt()
    factor = (1 - rate.groups * t / norms.clamp(min=1e-30)).clamp(min=0)
    own = layout.of_rows(factor, 1.0)
    _set(blocks, layout, torch.stack([own, -rate.rows * own]))


def half_space_step(
    layout: RowLayout, x: list[Tensor], mean: list[Tensor], rate: Rate, t: Tensor, eps: float
) -> None:
    """Take the step of :func:`cdfi.compression.hspg_foreach.half_space_step`."""
    blocks = _blocks(layout, x, mean)
    xx, xd, _ = _row_products(blocks, layout)
    squares, along = layout.totals(xx), layout.totals(xd)
    factors = half_space_factors(layout, squares, along, rate, t, eps)
    _set(blocks, layout, torch.stack(factors))


def _blocks(layout: RowLayout, x: list[Tensor], mean: list[Tensor]) -> list[Block]:
    """Return the values of each parameter as (outer, rows, inner)."""
    return [
        (a.view(shape).numpy(), b.view(shape).numpy())
        for a, b, shape in zip(x, mean, layout.blocks)
    ]


def _row_products(blocks: list[Block], layout: RowLayout) -> Tensor:
    """Return the sums of x², x d and d² of each row, float64 (3, rows), in one pass."""
    sums = numpy.zeros((sum(layout.lengths), 3))
    _over_rows(blocks, layout, sums, _products)
    return torch.from_numpy(sums).T


def _set(blocks: list[Block], layout: RowLayout, factors: Tensor) -> None:
    """Set each row to ``factors[0] * x + factors[1] * d``, in place."""
    _over_rows(blocks, layout, factors.double().T.contiguous().numpy(), _combine)


def _over_rows(
    blocks: list[Block], layout: RowLayout, rows: NDArray[float64], kernel: Kernel
) -> None:
    """Run ``kernel`` on all parameters, in several threads if they are large."""
    ends = numpy.cumsum(layout.lengths).tolist()

    def run(first: int, last: int) -> None:
        for (x, d), end, length in zip(
            blocks[first:last], ends[first:last], layout.lengths[first:last]
        ):
            kernel(x, d, rows[end - length : end])

    if sum(x.size for x, _ in blocks) < 2 * PIECE:
        run(0, len(blocks))
    else:
        over_lines(run, len(blocks), least=1)


@compiled
def _products(x: NDArray[float32], d: NDArray[float32], sums: NDArray[float64]) -> None:
    for outer in range(x.shape[0]):
        for row in range(x.shape[1]):
            xx, xd, dd = 0.0, 0.0, 0.0
            for i in range(x.shape[2]):
                a, b = float64(x[outer, row, i]), float64(d[outer, row, i])
                xx += a * a
                xd += a * b
                dd += b * b
            sums[row, 0] += xx
            sums[row, 1] += xd
            sums[row, 2] += dd


@compiled
def _combine(x: NDArray[float32], d: NDArray[float32], factors: NDArray[float64]) -> None:
    for outer in range(x.shape[0]):
        for row in range(x.shape[1]):
            own, along = float32(factors[row, 0]), float32(factors[row, 1])
            for i in range(x.shape[2]):
                x[outer, row, i] = own * x[outer, row, i] + along * d[outer, row, i]
