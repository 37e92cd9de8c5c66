"""The steps of HSPG for all parameters together: few kernels, and no copy of the old values."""

import torch
from torch import Tensor

from cdfi.compression.channel_groups import ParameterRows

Pair = tuple[Tensor, Tensor]


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
        groups = torch.cat([row.group for row in rows])
        self.groups = torch.where(groups < 0, count, groups).to(parameters[0].device)
        self.count = count

    def squares(self, values: list[Tensor]) -> Tensor:
        """Return the sum of squares of each group, in one pass over the values."""
        norms = [
            torch.linalg.vector_norm(value, dim=others) if others else value.abs()
            for value, others in zip(values, self.others)
        ]
        return self._total(norms, square=True)

    def sums(self, values: list[Tensor]) -> Tensor:
        """Return the sum of the values of each group."""
        return self._total([v.sum(dim=o) if o else v for v, o in zip(values, self.others)])

    def _total(self, rows: list[Tensor], square: bool = False) -> Tensor:
        joined = torch.cat(rows).float()
        joined = joined.square() if square else joined
        return joined.new_zeros(self.count + 1).index_add_(0, self.groups, joined)[:-1]

    def spread(self, of_group: Tensor, outside: float) -> list[Tensor]:
        """Return a value for each row of each parameter, in shapes that broadcast with them."""
        padded = torch.cat([of_group, of_group.new_tensor([outside])])
        parts = torch.split(padded[self.groups], self.lengths)
        return [part.view(shape) for part, shape in zip(parts, self.shapes)]


def prox_step(layout: RowLayout, x: list[Tensor], grad: list[Tensor], lr: float, t: Tensor) -> None:
    """Take a gradient step, then shrink the norm of each group by ``lr * t``."""
    torch._foreach_add_(x, grad, alpha=-lr)
    norms = layout.squares(x).sqrt()
    factor = (1 - lr * t / norms.clamp(min=1e-30)).clamp(min=0)
    torch._foreach_mul_(x, layout.spread(factor, 1.0))


def half_space_step(
    layout: RowLayout, x: list[Tensor], grad: list[Tensor], lr: float, t: Tensor, eps: float
) -> None:
    """Take a step on the loss and the penalty; groups that leave their half-space become zero.

    With ``y = (1 - lr * t / |x|) * x - lr * grad``, the product of y and x is known before y is:
    no copy of x is needed.
    """
    squares, along = layout.squares(x), layout.sums(list(torch._foreach_mul(x, grad)))
    norms = squares.sqrt()
    own = 1 - lr * torch.where(norms > 0, t / norms.clamp(min=1e-30), 0.0)
    stays = (own * squares - lr * along > eps * squares).float()
    torch._foreach_mul_(x, layout.spread(stays * own, 1.0))
    torch._foreach_addcmul_(x, grad, layout.spread(-lr * stays, -lr))
