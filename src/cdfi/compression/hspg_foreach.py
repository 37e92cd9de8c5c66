"""The steps of HSPG for all parameters together: few kernels, and no copy of the old values."""

from typing import NamedTuple

import torch
from torch import Tensor

from cdfi.compression.channel_groups import ParameterRows
from cdfi.compression.moments import ADAM_EPS


class Rate(NamedTuple):
    """The step size of each group and of each row: the learning rate, or one that Adam scales."""

    groups: Tensor | float
    rows: Tensor | float


class RowLayout:
    """The rows of several parameters, one after the other, and their groups.

    Args:
        parameters: the parameters.
        rows: the rows of each.
        count: the number of groups.
    """

    def __init__(self, parameters: list[Tensor], rows: list[ParameterRows], count: int) -> None:
        self.dims = [row.dim for row in rows]
        self.lengths = [len(row.group) for row in rows]
        self.others = [
            [d for d in range(p.dim()) if d != dim] for p, dim in zip(parameters, self.dims)
        ]
        self.shapes = [
            [-1 if d == dim else 1 for d in range(p.dim())] for p, dim in zip(parameters, self.dims)
        ]
        self.blocks = [
            (p.shape[:dim].numel(), length, p.shape[dim + 1 :].numel())
            for p, dim, length in zip(parameters, self.dims, self.lengths)
        ]
        self.dtypes = [p.dtype for p in parameters]
        groups = torch.cat([row.group for row in rows])
        self.groups = torch.where(groups < 0, count, groups).to(parameters[0].device)
        self.count = count

    def squares(self, values: list[Tensor]) -> Tensor:
        """Return the sum of squares of each group, in one pass over the values."""
        norms = [
            torch.linalg.vector_norm(value, dim=others) if others else value.abs()
            for value, others in zip(values, self.others)
        ]
        return self.totals(torch.cat(norms).square())

    def row_sums(self, values: list[Tensor]) -> Tensor:
        """Return the sum of the values of each row."""
        return torch.cat([v.sum(dim=o) if o else v for v, o in zip(values, self.others)])

    def totals(self, rows: Tensor) -> Tensor:
        """Return the sum over the rows of each group, in float32 or float64."""
        rows = rows if rows.dtype == torch.float64 else rows.float()
        return rows.new_zeros(self.count + 1).index_add_(0, self.groups, rows)[:-1]

    def of_rows(self, of_group: Tensor, outside: Tensor | float) -> Tensor:
        """Return the value of each row: that of its group, or ``outside`` for those of none."""
        rows = torch.cat([of_group, of_group.new_zeros(1)])[self.groups]
        return torch.where(self.groups == self.count, outside, rows)

    def split(self, rows: Tensor) -> list[Tensor]:
        """Return the values of the rows of each parameter, in shapes that broadcast with it."""
        parts = torch.split(rows, self.lengths)
        return [part.view(shape).to(d) for part, shape, d in zip(parts, self.shapes, self.dtypes)]


def rate_of(layout: RowLayout, lr: float, squares: list[Tensor] | None, sizes: Tensor) -> Rate:
    """Return the step sizes: with second moments, one for each group, from their mean over it.

    A row of no group has the mean over the row.

    Args:
        layout: the rows.
        lr: the learning rate.
        squares: second moments of all values, or None for steps of the same size.
        sizes: the number of values of each group.
    """
    if squares is None:
        return Rate(float(lr), float(lr))
    rows = layout.row_sums(squares)
    each = torch.cat([s.new_full((n,), s.numel() / n) for s, n in zip(squares, layout.lengths)])
    groups = layout.totals(rows) / sizes.to(rows.device).clamp(min=1)
    scaled = layout.of_rows(groups, rows / each)
    return Rate(lr / (groups.sqrt() + ADAM_EPS), lr / (scaled.sqrt() + ADAM_EPS))


def prox_step(
    layout: RowLayout, x: list[Tensor], mean: list[Tensor], rate: Rate, t: Tensor
) -> None:
    """Take a gradient step, then shrink the norm of each group by its rate times ``t``."""
    if isinstance(rate.rows, float):
        torch._foreach_add_(x, mean, alpha=-rate.rows)
    else:
        torch._foreach_addcmul_(x, mean, layout.split(-rate.rows))
    norms = layout.squares(x).sqrt()
    factor = (1 - rate.groups * t / norms.clamp(min=1e-30)).clamp(min=0)
    torch._foreach_mul_(x, layout.split(layout.of_rows(factor, 1.0)))


def half_space_step(
    layout: RowLayout, x: list[Tensor], mean: list[Tensor], rate: Rate, t: Tensor, eps: float
) -> None:
    """Take a step on the loss and the penalty; groups that leave their half-space become zero.

    With ``y = (1 - rate * t / |x|) * x - rate * mean``, the product of y and x is known before y
    is: no copy of x is needed.
    """
    along = layout.totals(layout.row_sums(list(torch._foreach_mul(x, mean))))
    own, step = half_space_factors(layout, layout.squares(x), along, rate, t, eps)
    torch._foreach_mul_(x, layout.split(own))
    torch._foreach_addcmul_(x, mean, layout.split(step))


def half_space_factors(
    layout: RowLayout, squares: Tensor, along: Tensor, rate: Rate, t: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return the factors of x and of the mean gradient in a half-space step, for each row.

    Args:
        layout: the rows.
        squares: the squared norm of each group.
        along: the product of each group with its mean gradient.
        rate: the step sizes.
        t: the penalty of each group.
        eps: as for :class:`cdfi.compression.hspg.HSPG`.
    """
    norms = squares.sqrt()
    own = 1 - rate.groups * torch.where(norms > 0, t / norms.clamp(min=1e-30), 0.0)
    stays = (own * squares - rate.groups * along > eps * squares).to(own.dtype)
    outside = -rate.rows
    return layout.of_rows(stays * own, 1.0), layout.of_rows(-rate.groups * stays, outside)
