"""OBProxSG: stochastic gradient steps that end in exact zeros.

Chen et al., "Orthant Based Proximal Stochastic Gradient Method for l1-Regularized Optimization",
ECML-PKDD 2020 (arXiv:2004.03639): epochs of proximal steps, then epochs of orthant steps, in a
cycle.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from cdfi.compression.master_values import with_masters, write_back
from cdfi.compression.moments import ADAM_EPS, check_moments, directions
from cdfi.compression.penalized import PenalizedOptimizer

#: The names of the authors' release for our options.
ALIASES = {"epochSize": "steps_per_epoch", "Np": "prox_epochs", "No": "orthant_epochs"}


class OBProxSG(PenalizedOptimizer):
    """Stochastic gradient descent on ``loss + lambda_ * |x|_1`` that reaches and keeps zeros.

    Every argument after ``params`` may be set by parameter group. A group with ``lambda_=0``
    (biases, say) takes plain gradient steps in both phases. The names of the authors' release,
    ``epochSize``, ``Np`` and ``No``, are accepted for ``steps_per_epoch``, ``prox_epochs`` and
    ``orthant_epochs``, as keywords and in groups.

    Args:
        params: the parameters, or groups of them as for every ``torch.optim`` optimizer.
        lr: learning rate, >= 0.
        lambda_: weight of the l1 penalty, >= 0.
        steps_per_epoch: steps in an epoch, >= 1.
        prox_epochs: epochs of proximal steps in a cycle; ``inf`` stays proximal.
        orthant_epochs: epochs of orthant steps in a cycle; ``inf`` (the default) stays orthant.
        eps: an orthant step sets to zero what it leaves at or under this size, >= 0.
        momentum: rate of decay of an average of gradients, in [0, 1).
        betas: rates of decay of Adam's moments; steps and penalty are then scaled for each value.
        **aliases: the names of the authors' release.

    Raises:
        ValueError: an argument outside these ranges.
        TypeError: an argument that is missing, unknown, or given twice.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        lambda_: float,
        steps_per_epoch: int | None = None,
        prox_epochs: float | None = None,
        orthant_epochs: float | None = None,
        eps: float = 0.0,
        momentum: float = 0.0,
        betas: tuple[float, float] | None = None,
        **aliases: float,
    ) -> None:
        given = {
            "steps_per_epoch": steps_per_epoch,
            "prox_epochs": prox_epochs,
            "orthant_epochs": orthant_epochs,
        }
        options: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        for name, value in aliases.items():
            if name not in ALIASES or ALIASES[name] in options:
                raise TypeError(f"OBProxSG got {name} as an unknown or a second argument")
            options[ALIASES[name]] = value
        if missing := [name for name in ("steps_per_epoch", "prox_epochs") if name not in options]:
            raise TypeError(f"OBProxSG needs {' and '.join(missing)}")
        options.setdefault("orthant_epochs", math.inf)
        options |= {"momentum": momentum, "betas": betas}
        super().__init__(params, {"lr": lr, "lambda_": lambda_, "eps": eps, **options, "step": 0})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; one that is added during a run starts with its own proximal steps."""
        param_group = _renamed(param_group)
        _check({**self.defaults, **param_group})
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of an OBProxSG, with the names of today or of the authors' release."""
        plain = {"momentum": 0.0, "betas": None}  # of files without these options
        groups = [{**plain, **_renamed(group)} for group in state_dict["param_groups"]]
        super().load_state_dict({**state_dict, "param_groups": groups})

    def _update(self) -> None:
        for group in self.param_groups:
            self._move(_gradients(group["params"]), group)
            group["step"] += 1

    def _move(self, pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        """Take the step of a group, along the averaged gradients if it has momentum or betas."""
        moved = with_masters(pairs, self.state)
        if moved:
            x, grads = [pair[0] for pair in moved], [pair[1] for pair in moved]
            owners = [pair[0] for pair in pairs]
            means, squares = directions(
                owners, grads, self.state, group["momentum"], group["betas"]
            )
            if squares is None:
                _step(list(zip(x, means)), group)
            else:
                scaled_step(x, means, squares, group)
        write_back(pairs, self.state)

    @torch.no_grad()
    def density(self) -> list[float]:
        """Return the fraction of non-zero values of each parameter group, in [0, 1]."""
        return [
            sum(int(p.count_nonzero()) for p in group["params"])
            / max(1, sum(p.numel() for p in group["params"]))
            for group in self.param_groups
        ]


class ProxSG(OBProxSG):
    """The proximal stochastic gradient method: OBProxSG that stays in its first phase."""

    def __init__(self, params: ParamsT, lr: float, lambda_: float) -> None:
        super().__init__(params, lr, lambda_, steps_per_epoch=1, prox_epochs=math.inf)


def in_orthant_phase(group: dict[str, Any]) -> bool:
    """Return whether the next step of a parameter group is an orthant step."""
    prox, orthant = group["prox_epochs"], group["orthant_epochs"]
    if prox == math.inf or group["lambda_"] == 0:
        return False
    epoch = group["step"] // group["steps_per_epoch"]
    in_cycle = epoch if orthant == math.inf else epoch % (prox + orthant)
    return bool(in_cycle >= prox)


def _renamed(group: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter group with our names for those of the authors' release."""
    return {ALIASES.get(name, name): value for name, value in group.items()}


def _step(pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
    """Take one step of every (x, gradient): by the CPU kernels if supported, else by torch."""
    from cdfi.compression import obproxsg_cpu as cpu  # imported late: Numba loads slowly

    here = [pair for pair in pairs if cpu.is_supported(*pair)]
    rest = [pair for pair in pairs if not cpu.is_supported(*pair)]
    lr, lambda_, eps = group["lr"], group["lambda_"], group["eps"]
    orthant = in_orthant_phase(group)
    if here:
        cpu.orthant_step(here, lr, lambda_, eps) if orthant else cpu.prox_step(here, lr, lambda_)
    if rest:
        x, grad = ([pair[i] for pair in rest] for i in (0, 1))
        orthant_step(x, grad, lr, lambda_, eps) if orthant else prox_step(x, grad, lr, lambda_)


def scaled_step(
    x: list[Tensor], mean: list[Tensor], square: list[Tensor], group: dict[str, Any]
) -> None:
    """Take a step of size ``lr / (sqrt(square) + ADAM_EPS)`` for each value.

    The penalty is scaled alike. ``mean`` and ``square`` are overwritten.
    """
    lr, lambda_ = group["lr"], group["lambda_"]
    scale = square
    torch._foreach_sqrt_(scale)
    torch._foreach_add_(scale, ADAM_EPS)
    if in_orthant_phase(group):
        sign = torch._foreach_sign(x)
        torch._foreach_add_(mean, sign, alpha=lambda_)
        torch._foreach_addcdiv_(x, mean, scale, value=-lr)
        _keep_orthant(x, sign, group["eps"])
        return
    torch._foreach_addcdiv_(x, mean, scale, value=-lr)
    torch._foreach_reciprocal_(scale)
    torch._foreach_mul_(scale, lr * lambda_)
    inside = torch._foreach_minimum(x, scale)
    torch._foreach_neg_(scale)
    torch._foreach_maximum_(inside, scale)
    torch._foreach_sub_(x, inside)


def prox_step(x: list[Tensor], grad: list[Tensor], lr: float, lambda_: float) -> None:
    """Set ``x = soft(x - lr * grad, lr * lambda_)``; soft(z, t) is z minus z clamped to [-t, t]."""
    torch._foreach_add_(x, grad, alpha=-lr)
    inside = torch._foreach_clamp_min(x, -lr * lambda_)
    torch._foreach_clamp_max_(inside, lr * lambda_)
    torch._foreach_sub_(x, inside)


def orthant_step(
    x: list[Tensor], grad: list[Tensor], lr: float, lambda_: float, eps: float
) -> None:
    """Set ``y = x - lr * (grad + lambda_ * sign(x))`` where ``y * sign(x) > eps``, else 0."""
    sign = torch._foreach_sign(x)
    direction = torch._foreach_add(grad, sign, alpha=lambda_)
    torch._foreach_add_(x, direction, alpha=-lr)
    _keep_orthant(x, sign, eps)


def _keep_orthant(y: list[Tensor], sign: tuple[Tensor, ...] | list[Tensor], eps: float) -> None:
    """Set each value to zero unless ``y * sign > eps``; ``sign`` is overwritten."""
    torch._foreach_mul_(sign, y)
    for value, size in zip(y, sign):  # in one pass
        torch.ops.aten.threshold_backward.grad_input(value, size, eps, grad_input=value)


def require_finite(pairs: list[tuple[Tensor, Tensor]]) -> None:
    """Raise ValueError for NaN or infinite gradients: orthant steps would turn them into zeros."""
    by_device: dict[torch.device, list[Tensor]] = {}
    for _, grad in pairs:
        by_device.setdefault(grad.device, []).append(grad)
    for grads in by_device.values():  # a square may overflow: then the largest values decide
        if not (_has_finite_norms(grads, 2) or _has_finite_norms(grads, math.inf)):
            raise ValueError(
                "a gradient is not finite: lower the learning rate, clip the gradients, or skip "
                "this step"
            )


def _has_finite_norms(grads: list[Tensor], order: float) -> bool:
    norms = torch.stack([norm.float() for norm in torch._foreach_norm(grads, order)])
    return bool(torch.isfinite(norms).all())


def _gradients(params: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return each parameter that has a gradient, and that gradient."""
    pairs = [(p, p.grad) for p in params if p.grad is not None]
    for _, grad in pairs:
        if grad.layout != torch.strided:
            raise ValueError(f"OBProxSG needs dense gradients, got {grad.layout}: use sparse=False")
    require_finite(pairs)
    return pairs


def _check(group: dict[str, Any]) -> None:
    """Raise ValueError for an option out of its range."""
    check_moments(group["momentum"], group["betas"])
    for name in ("lr", "lambda_", "eps", "prox_epochs", "orthant_epochs"):
        if not group[name] >= 0:
            raise ValueError(f"OBProxSG needs {name} >= 0, got {group[name]}")
    if not group["steps_per_epoch"] >= 1:
        raise ValueError(f"OBProxSG needs steps_per_epoch >= 1, got {group['steps_per_epoch']}")
    if group["prox_epochs"] + group["orthant_epochs"] == 0:
        raise ValueError(
            "OBProxSG needs prox_epochs or orthant_epochs above 0, got 0 for both: there is no "
            "phase left"
        )
