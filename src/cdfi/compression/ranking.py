"""Choose widths by a ranking of channels: in each width, or over the whole network."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torch import nn

from cdfi.compression.budget import Budget, scale_to_budget
from cdfi.compression.derived import Derived, OnUnknown, Request, build, size
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.trace import Example
from cdfi.compression.widths import Width, WidthPlan


def derive_by_importance(
    model: nn.Module,
    example: Example,
    keep: float = 1.0,
    *,
    ranking: str = "global",
    importance: str = "magnitude",
    round_to: int = 1,
    budget: Budget | None = None,
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
    on_unknown: OnUnknown = "error",
) -> Derived:
    """Return a smaller module that keeps the most important channels.

    Args:
        model: the network; it is not changed.
        example: as for :func:`cdfi.compression.derive.derive`.
        keep: fraction of the channels to keep, in (0, 1]; a budget may lower it.
        ranking: a row of :data:`RANKINGS`: "local" keeps this fraction of every width, "global"
            the most important channels of the whole network.
        importance: a row of :data:`cdfi.compression.importance.IMPORTANCE`.
        round_to: as for :func:`cdfi.compression.derive.derive`.
        budget: the limits that the smaller module meets.
        protected: as for :func:`cdfi.compression.derive.derive`.
        extra: as there.
        on_unknown: as there.

    Raises:
        ValueError: an argument outside these ranges, a model that cannot be traced, a bad budget.
    """
    if ranking not in RANKINGS:
        raise ValueError(f"the ranking is one of {', '.join(RANKINGS)}, got {ranking!r}")
    if not 0 < keep <= 1 or round_to < 1:
        raise ValueError(
            f"expected keep in (0, 1] and round_to of at least 1, got {keep} and {round_to}"
        )
    choose = partial(_choose, ranking=ranking, round_to=round_to, budget=budget)
    request = Request(model, example, protected, extra, on_unknown, importance, warm_start=True)
    return build(request, choose, budget, keep)


def _choose(
    plan: WidthPlan,
    scores: Mapping[int, float],
    most: float,
    *,
    ranking: str,
    round_to: int,
    budget: Budget | None,
) -> tuple[list[int], float]:
    """Return the units of every width, and the fraction of channels that is kept."""

    def units_at(keep: float) -> list[int]:
        return plan.rounded(RANKINGS[ranking](plan, scores, keep), round_to)

    if budget is None:
        return units_at(most), most
    keep = scale_to_budget(budget, lambda keep: size(plan, units_at(keep)), most)
    return units_at(keep), keep


def _local(plan: WidthPlan, _scores: Mapping[int, float], keep: float) -> list[int]:
    return [
        _part(width, keep) if plan.can_shrink(width) else len(width.units) for width in plan.widths
    ]


def _global(plan: WidthPlan, scores: Mapping[int, float], keep: float) -> list[int]:
    """Rank all units by their importance, relative to the mean of their width.

    A layer with more parameters for each channel has larger sums, so the sums themselves cannot be
    compared. A width whose scores are all 0 keeps the fraction itself.
    """
    own = {
        i: [scores.get(unit, 0.0) for unit in width.units]
        for i, width in enumerate(plan.widths)
        if plan.can_shrink(width)
    }
    relative = {i: [v * len(vs) / sum(vs) for v in vs] for i, vs in own.items() if sum(vs) > 0}
    ranked = sorted(((-v, i) for i, vs in relative.items() for v in vs))
    kept = Counter(i for _, i in ranked[: math.ceil(keep * len(ranked) - 1e-9)])
    found = _local(plan, scores, keep)
    for i in relative:
        found[i] = max(1, kept[i])
    return found


def _part(width: Width, keep: float) -> int:
    return max(1, math.ceil(keep * len(width.units) - 1e-9))


#: Returns the units of every width that keep the given fraction of channels.
RANKINGS: dict[str, Callable[[WidthPlan, Mapping[int, float], float], list[int]]] = {
    "local": _local,
    "global": _global,
}
