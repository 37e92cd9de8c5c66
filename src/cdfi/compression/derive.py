"""Derive a smaller network from densities, for any module."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from torch import Tensor, nn

from cdfi.compression.budget import Budget, Size, scale_to_budget
from cdfi.compression.fitting import fit
from cdfi.compression.importance import importance_of_units
from cdfi.compression.picture import picture
from cdfi.compression.regrow import regrow
from cdfi.compression.shrink import shrink
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.graph import Slot, layer_name
from cdfi.compression.tracing.trace import Example, trace
from cdfi.compression.verify import check_runs, difference, require_same
from cdfi.compression.widths import AGREE, WidthPlan, protect, unfollowed

OnUnknown = Literal["error", "protect"]
#: Densities, rule, round_to and budget.
Choice = tuple[Mapping[str, float], str, int, Budget | None]


@dataclass(frozen=True)
class Derived:
    """A smaller network and its size; it unpacks into its first four attributes.

    Attributes:
        module: the smaller network.
        factor: by which all densities were scaled to meet the budget.
        before: size of the original network.
        after: size of the smaller network.
        reasons: layers that keep their number of out-channels whatever the densities are, and why.
        widths: out-channels of every layer before and after.
    """

    module: nn.Module
    factor: float
    before: Size
    after: Size
    reasons: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.module, self.factor, self.before, self.after))

    def svg(self) -> str:
        """Return a picture of the widths of all layers, before and after, as SVG."""
        return picture(self.widths, self.reasons)

    def _repr_html_(self) -> str:
        return self.svg()


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
    plan, protected = _plan(model, example, protected, extra, on_unknown)
    choice = densities, rule, round_to, budget
    select = partial(_select, choice=choice, scores=importance_of_units(plan, model, importance))
    small, plan = fit(model, plan, select, example, extra)
    units, factor = choose(plan, *choice)
    check_runs(model, small, example)
    if warm_start:
        regrow(small, example, protected, extra)
    else:
        _reset(small)
    _warn_of_no_change(plan, units, densities)
    before, after = size(plan, plan.full()), size(plan, units)
    return Derived(small, factor, before, after, plan.reasons(), plan.out_channels(units))


def _select(plan: WidthPlan, choice: Choice, scores: Mapping[int, float]) -> dict[Slot, Tensor]:
    """Return the indices of the units that are kept at the densities of a choice."""
    return plan.largest(choose(plan, *choice)[0], scores)


def choose(
    plan: WidthPlan,
    densities: Mapping[str, float],
    rule: str,
    round_to: int = 1,
    budget: Budget | None = None,
) -> tuple[list[int], float]:
    """Return the units of every width, and the factor by which the densities were scaled.

    Raises:
        ValueError: as :func:`derive`.
    """
    _check_choice(plan, densities, rule, round_to)
    if budget is None:
        return plan.wanted(densities, rule, round_to), 1.0
    positive = [d for d in densities.values() if d > 0]
    most = 1 / min(positive, default=1.0)
    factor = scale_to_budget(
        budget, lambda f: size(plan, plan.wanted(densities, rule, round_to, f)), most
    )
    return plan.wanted(densities, rule, round_to, factor), factor


def remove_zeros(
    model: nn.Module,
    example: Example,
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
    on_unknown: OnUnknown = "error",
) -> nn.Module:
    """Return a smaller module that computes exactly what ``model`` does in evaluation mode.

    A channel is removed if it is zero for every input, or if all weights that read it are zero. A
    filter of zeros whose bias makes another constant is kept: next to zero padding, no other bias
    could replace it. Channels under a norm over channels are kept: their zeros count in its
    statistics.

    Args:
        model: the network; it is not changed.
        example: as for :func:`derive`.
        protected: as for :func:`derive`.
        extra: as for :func:`derive`.
        on_unknown: as for :func:`derive`.

    Raises:
        ValueError: a model that cannot be traced, or a smaller one that computes something else
            on the example or on random inputs (the message names the layers).
    """
    while True:
        plan, protected = _plan(model, example, protected, extra, on_unknown)
        small, plan = fit(model, plan, lambda p: p.indices(p.live_units()), example, extra)
        live = plan.live_units()
        check_runs(model, small, example)
        suspects = partial(_suspects, model, plan, live, example)
        require_same(model, small, example, "removing channels without effect", suspects)
        if _count(small) == _count(model):
            return small
        model = small  # layers that read the removed channels may be unread now


def size(plan: WidthPlan, units: Sequence[int]) -> Size:
    """Return the cost of the network at these widths."""
    return Size(plan.parameters(units), plan.flops(units))


def _plan(
    model: nn.Module,
    example: Example,
    protected: Sequence[str],
    extra: Mapping[str, Rule] | None,
    on_unknown: OnUnknown,
) -> tuple[WidthPlan, Sequence[str]]:
    """Return the widths of a model, and the layers to protect: with "protect", the unknown too."""
    if on_unknown not in get_args(OnUnknown):
        names = ", ".join(get_args(OnUnknown))
        raise ValueError(f"on_unknown is one of {names}, got {on_unknown!r}")
    graph = trace(model, example, extra)
    if on_unknown == "protect":
        for name in protected:
            protect(graph, name)
        if found := unfollowed(graph):
            names = ", ".join(
                f"{layer!r} ({cause or 'not seen'})" for layer, cause in found.items()
            )
            warnings.warn(
                f"kept the widths of layers that cannot be followed: {names}", stacklevel=3
            )
            protected = [*protected, *found]
    return WidthPlan(graph, protected), protected


def _warn_of_no_change(
    plan: WidthPlan, units: Sequence[int], densities: Mapping[str, float]
) -> None:
    """Warn if nothing has shrunk though a density is below 1, with the reasons of the trace."""
    if list(units) != plan.full() or all(dense == 1 for dense in densities.values()):
        return
    reasons = sorted(set(plan.graph.pinned.values()))[:5]
    warnings.warn(
        "no width has shrunk: the densities are too high for the widths, or all channels are kept"
        + (f" ({'; '.join(reasons)})" if reasons else ""),
        stacklevel=3,
    )


def _check_choice(
    plan: WidthPlan, densities: Mapping[str, float], rule: str, round_to: int
) -> None:
    if rule not in AGREE:
        raise ValueError(f"the rule is one of {', '.join(AGREE)}, got {rule!r}")
    if round_to < 1:
        raise ValueError(f"widths are rounded to a multiple of at least 1, got {round_to}")
    ours = {layer_name(name) for name in plan.graph.tensors}
    for name, dense in densities.items():
        if name not in ours:
            raise ValueError(
                f"the densities name a layer {name!r} that the model does not have: read them "
                "from this model, or from a pruned copy of it"
            )
        if not 0 <= dense <= 1:
            raise ValueError(f"a density lies in [0, 1], but that of {name!r} is {dense}")


def _suspects(model: nn.Module, plan: WidthPlan, units: set[int], example: Example) -> list[str]:
    """Return the layers without whose removed channels the output would be the same."""
    everything = {unit for width in plan.widths for unit in width.units}
    names = []
    for layer, ids in plan.graph.outputs:
        own = set(plan.graph.roots(ids).tolist()) - units
        if own and difference(model, shrink(model, plan.indices(everything - own)), example) > 1:
            names.append(layer)
    return names


def _reset(model: nn.Module) -> None:
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
