"""Derive a smaller network from densities, for any module."""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import nn

from cdfi.compression.budget import Budget, scale_to_budget
from cdfi.compression.derived import Derived, OnUnknown, Request, build, size
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.caller import warn_user
from cdfi.compression.tracing.layers import layer_name
from cdfi.compression.tracing.trace import Example
from cdfi.compression.widths import AGREE, WidthPlan


def derive(
    model: nn.Module,
    example: Example,
    densities: Mapping[str, float],
    *,
    rule: str = "min",
    round_to: int = 1,
    budget: Budget | None = None,
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
    warm_start: bool = True,
    on_unknown: OnUnknown = "error",
    importance: str = "magnitude",
) -> Derived:
    """Return a smaller module of the same topology, with widths that follow from the densities.

    Args:
        model: the pruned network; it is not changed.
        example: small arguments of its forward: a tuple, or a mapping of keywords.
        densities: by layer, as :func:`cdfi.compression.density.density` returns them.
        rule: "min", "max" or "mean": how layers that share a width agree.
        round_to: widths are rounded up to a multiple of this (8 or 16 suit most hardware).
        budget: scale all densities by the one factor that meets it.
        protected: layers, or modules that contain them, whose outputs keep their width.
        extra: rules for operations of your own, by name.
        warm_start: keep the largest channels and :func:`regrow` dead ones; else draw new weights.
        on_unknown: "error", or "protect" to keep, with a warning, what cannot be followed.
        importance: a row of :data:`cdfi.compression.importance.IMPORTANCE`.

    Raises:
        ValueError: a bad density, layer or rule, a model that cannot be traced, a bad budget.
    """
    choose_widths = partial(_choose, densities, rule, round_to, budget)
    request = Request(model, example, protected, extra, on_unknown, importance, warm_start)
    found = build(request, choose_widths, budget, _most(densities, budget))
    _warn_of_no_change(found, densities)
    return found


def _choose(
    densities: Mapping[str, float],
    rule: str,
    round_to: int,
    budget: Budget | None,
    plan: WidthPlan,
    _scores: Mapping[int, float],
    most: float,
) -> tuple[list[int], float]:
    return choose(plan, densities, rule, round_to, budget, most)


def choose(
    plan: WidthPlan,
    densities: Mapping[str, float],
    rule: str,
    round_to: int = 1,
    budget: Budget | None = None,
    most: float | None = None,
) -> tuple[list[int], float]:
    """Return the units of every width, and the factor by which the densities were scaled.

    Args:
        plan: the widths.
        densities: as for :func:`derive`.
        rule: as there.
        round_to: as there.
        budget: limits of parameters and operations.
        most: the largest factor; by default that at which nothing shrinks.

    Raises:
        ValueError: as :func:`derive`.
    """
    _check_choice(plan, densities, rule, round_to)
    densities = {plan.graph.shared.get(name, name): dense for name, dense in densities.items()}
    if budget is None:
        return plan.wanted(densities, rule, round_to), 1.0
    factor = scale_to_budget(
        budget,
        lambda f: size(plan, plan.wanted(densities, rule, round_to, f)),
        _most(densities, budget) if most is None else most,
    )
    return plan.wanted(densities, rule, round_to, factor), factor


def _most(densities: Mapping[str, float], budget: Budget | None) -> float:
    """Return the largest factor for densities: with a budget, that at which nothing shrinks."""
    positive = [dense for dense in densities.values() if dense > 0]
    return 1.0 if budget is None else 1 / min(positive, default=1.0)


def _warn_of_no_change(found: Derived, densities: Mapping[str, float]) -> None:
    """Warn if nothing has shrunk though a density is below 1, with the reasons of the trace."""
    shrunk = any(before != after for before, after in found.widths.values())
    if shrunk or all(dense == 1 for dense in densities.values()):
        return
    reasons = sorted(set(found.reasons.values()))[:5]
    warn_user(
        "no width has shrunk: the densities are too high for the widths, or all channels are kept"
        + (f" ({'; '.join(reasons)})" if reasons else "")
    )


def _check_choice(
    plan: WidthPlan, densities: Mapping[str, float], rule: str, round_to: int
) -> None:
    if rule not in AGREE:
        raise ValueError(f"the rule is one of {', '.join(AGREE)}, got {rule!r}")
    if round_to < 1:
        raise ValueError(f"widths are rounded to a multiple of at least 1, got {round_to}")
    ours = {layer_name(name) for name in plan.graph.tensors} | plan.graph.shared.keys()
    for name, dense in densities.items():
        if name not in ours:
            raise ValueError(
                f"the densities name a layer {name!r} that the model does not have: read them "
                "from this model, or from a pruned copy of it"
            )
        if not 0 <= dense <= 1:
            raise ValueError(f"a density lies in [0, 1], but that of {name!r} is {dense}")
