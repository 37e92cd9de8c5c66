"""HSPG: stochastic gradient steps that set whole channels to zero.

Chen et al., "A Half-Space Stochastic Projected Gradient Method for Group Sparsity Regularization",
2020 (arXiv:2009.12078): epochs of proximal steps of the group lasso, then half-space steps. There,
a group that would leave the half-space of its old value becomes zero; zero groups stay zero.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cdfi.compression import hspg_foreach
from cdfi.compression.channel_groups import ChannelGroups, ParameterRows
from cdfi.compression.hspg_foreach import RowLayout, rate_of
from cdfi.compression.master_values import HALF
from cdfi.compression.moments import ADAM_EPS, check_moments, directions
from cdfi.compression.obproxsg import require_finite
from cdfi.compression.penalized import PenalizedOptimizer


class HSPG(PenalizedOptimizer):
    """Gradient descent on ``loss + lambda_ * sum_g sqrt(size_g) * |x_g|_2`` that empties channels.

    Args:
        model: the network; all of its parameters are trained.
        groups: its groups, of :func:`cdfi.compression.channel_groups.channel_groups`; parameters
            that belong to none take plain steps.
        lr: learning rate, >= 0.
        lambda_: weight of the penalty, >= 0.
        steps_per_epoch: steps in an epoch, >= 1.
        prox_epochs: epochs of proximal steps before the half-space steps; ``inf`` stays proximal.
        eps: a half-space step sets a group to zero if its inner product with the old value is
            at most ``eps`` times the old value's squared norm; in [0, 1).
        momentum: rate of decay of an average of gradients, in [0, 1).
        betas: rates of decay of Adam's moments; a group then has one second moment, the mean of
            those of its values.
        foreach: whether a step handles all parameters together, which is faster.

    Raises:
        ValueError: an argument outside these ranges, or parameters in half precision.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: ChannelGroups,
        *,
        lr: float,
        lambda_: float,
        steps_per_epoch: int,
        prox_epochs: float,
        eps: float = 0.0,
        momentum: float = 0.0,
        betas: tuple[float, float] | None = None,
        foreach: bool = True,
    ) -> None:
        numbers = {"lr": lr, "lambda_": lambda_, "eps": eps, "prox_epochs": prox_epochs}
        for name, value in numbers.items():
            if not value >= 0:
                raise ValueError(f"HSPG needs {name} >= 0, got {value}")
        if steps_per_epoch < 1 or eps >= 1:
            raise ValueError(f"HSPG needs steps_per_epoch >= 1 and eps < 1, got {steps_per_epoch}")
        check_moments(momentum, betas)
        if half := [n for n, p in model.named_parameters() if p.dtype in HALF]:
            raise ValueError(
                f"HSPG needs float32 parameters, but {half[0]!r} is in half precision: use "
                "model.float() and torch.autocast"
            )
        self._rows: dict[Tensor, ParameterRows] = {
            p: groups.rows[n] for n, p in model.named_parameters() if n in groups.rows
        }
        self._sizes = groups.sizes
        self._foreach = foreach
        self._layout: tuple[list[Tensor], RowLayout] | None = None
        options: dict[str, Any] = {"momentum": momentum, "betas": betas, "step": 0}
        super().__init__(
            [{"params": list(model.parameters())}],
            {**numbers, **options, "steps_per_epoch": steps_per_epoch},
        )

    def _update(self) -> None:
        group = self.param_groups[0]
        pairs = [(p, p.grad) for p in group["params"] if p.grad is not None]
        require_finite(pairs)
        self._move(pairs, group)
        group["step"] += 1

    @torch.no_grad()
    def density(self) -> float:
        """Return the fraction of groups that are not zero, in [0, 1]."""
        norms = self._sum({p: p.square() for p in self._rows})
        return float((norms > 0).float().mean()) if len(norms) else 1.0

    def _move(self, pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        params, grads = [p for p, _ in pairs], [grad for _, grad in pairs]
        means, squares = directions(params, grads, self.state, group["momentum"], group["betas"])
        if self._foreach and len({p.device for p in params}) == 1:
            self._move_all(params, means, squares, group)
        else:
            second: Sequence[Tensor | None] = squares or [None] * len(means)
            self._move_each(dict(zip(params, zip(means, second))), group)

    def _move_each(
        self, averaged: dict[Tensor, tuple[Tensor, Tensor | None]], group: dict[str, Any]
    ) -> None:
        """Take the step of each parameter on its own."""
        rates = self._rates(averaged, group["lr"])
        ours = [p for p in averaged if p in self._rows]
        for p in averaged.keys() - set(ours):
            p.sub_(rates[p] * averaged[p][0])
        if not ours:
            return
        penalty = group["lambda_"] * self._sizes.to(ours[0].device).sqrt()
        half_space = _in_half_space_phase(group)
        old = {p: p.clone() for p in ours}
        before = self._sum({p: p.square() for p in ours}).sqrt()
        for p in ours:
            p.sub_(rates[p] * averaged[p][0])
        if half_space:
            pull = torch.where(before > 0, penalty / before.clamp(min=1e-30), 0.0)
            for p in ours:
                p.sub_(rates[p] * self._spread(p, pull) * old[p])
            inner = self._sum({p: p * old[p] for p in ours})
            factor = (inner > group["eps"] * before.square()).float()
        else:
            norms = self._sum({p: p.square() for p in ours}).sqrt()
            threshold = self._common(rates, ours) * penalty
            factor = (1 - threshold / norms.clamp(min=1e-30)).clamp(min=0)
        for p in ours:
            p.mul_(self._spread(p, factor, outside=1.0))

    def _move_all(
        self, params: list[Tensor], means: list[Tensor], squares: list[Tensor] | None,
        group: dict[str, Any],
    ) -> None:  # fmt: skip
        """Take the step of all parameters together."""
        lr, half_space = group["lr"], _in_half_space_phase(group)
        ours = [i for i, p in enumerate(params) if p in self._rows]
        rest = [i for i, p in enumerate(params) if p not in self._rows]
        _descend(_at(params, rest), _at(means, rest), squares and _at(squares, rest), lr)
        if not ours:
            return
        x, mean, square = _at(params, ours), _at(means, ours), squares and _at(squares, ours)
        layout, device = self._layout_of(x), x[0].device
        rate = rate_of(layout, lr, square, self._sizes)
        penalty = group["lambda_"] * self._sizes.to(device).sqrt()
        from cdfi.compression import hspg_cpu as cpu  # imported late: Numba loads slowly

        kernels = cpu if cpu.supports(x, mean) else hspg_foreach
        if half_space:
            kernels.half_space_step(layout, x, mean, rate, penalty, group["eps"])
        else:
            kernels.prox_step(layout, x, mean, rate, penalty)

    def _layout_of(self, ours: list[Tensor]) -> RowLayout:
        """Return the layout of parameters, which seldom changes between steps."""
        if self._layout is None or [id(p) for p in self._layout[0]] != [id(p) for p in ours]:
            rows = [self._rows[p] for p in ours]
            self._layout = ours, RowLayout(ours, rows, len(self._sizes))
        return self._layout[1]

    def _rates(
        self, averaged: dict[Tensor, tuple[Tensor, Tensor | None]], lr: float
    ) -> dict[Tensor, Tensor]:
        """Return the step sizes of each parameter: one for each group if Adam scales them."""
        squares = {p: square for p, (_, square) in averaged.items() if square is not None}
        if not squares:
            return {p: torch.tensor(lr, device=p.device) for p in averaged}
        mean = self._sum({p: s for p, s in squares.items() if p in self._rows})
        mean = mean / self._sizes.to(mean.device).clamp(min=1)
        rates = {}
        for p, square in squares.items():
            if p in self._rows:
                others = [d for d in range(p.dim()) if d != self._rows[p].dim]
                own = square.mean(others, keepdim=True) if others else square
                inside = self._spread(p, torch.ones_like(mean), outside=0.0) > 0
                square = torch.where(inside, self._spread(p, mean), own)
            rates[p] = lr / (square.sqrt() + ADAM_EPS)
        return rates

    def _common(self, rates: dict[Tensor, Tensor], ours: list[Tensor]) -> Tensor:
        """Return the step size of each group."""
        total = self._sum({p: rates[p].expand(p.shape) for p in ours})
        return total / self._sum({p: torch.ones_like(p) for p in ours}).clamp(min=1)

    def _sum(self, values: dict[Tensor, Tensor]) -> Tensor:
        """Return the sum of values over each group."""
        device = next(iter(values)).device if values else torch.device("cpu")
        total = torch.zeros(len(self._sizes) + 1, device=device)  # the last for rows of no group
        for p, value in values.items():
            dim, group = self._rows[p]
            rows = value.movedim(dim, 0).reshape(len(group), -1).float().sum(1)
            total.index_add_(0, _index(group, total), rows)
        return total[:-1]

    def _spread(self, p: Tensor, of_group: Tensor, outside: float = 0.0) -> Tensor:
        """Return a value for each row of a parameter, in a shape that broadcasts with it."""
        dim, group = self._rows[p]
        padded = torch.cat([of_group, of_group.new_tensor([outside])])
        shape = [1] * p.dim()
        shape[dim] = -1
        return padded[_index(group, padded)].to(p.dtype).view(shape)


def _at(tensors: list[Tensor], indices: list[int]) -> list[Tensor]:
    return [tensors[i] for i in indices]


def _descend(x: list[Tensor], mean: list[Tensor], square: list[Tensor] | None, lr: float) -> None:
    """Take plain steps: those of Adam if there are second moments."""
    if x and square:
        scale = torch._foreach_sqrt(square)
        torch._foreach_add_(scale, ADAM_EPS)
        torch._foreach_addcdiv_(x, mean, scale, value=-lr)
    elif x:
        torch._foreach_add_(x, mean, alpha=-lr)


def _in_half_space_phase(group: dict[str, Any]) -> bool:
    late = group["step"] >= group["prox_epochs"] * group["steps_per_epoch"]
    return bool(late and group["lambda_"] > 0)


def _index(group: Tensor, total: Tensor) -> Tensor:
    """Return the groups of rows as indices; -1 becomes the last."""
    return torch.where(group < 0, len(total) - 1, group).to(total.device)
