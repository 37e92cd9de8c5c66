"""Build the smaller module that a choice of widths gives, within a budget."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, get_args

from torch import nn

from cdfi.compression.budget import Budget, Size, within_measured
from cdfi.compression.fitting import fit
from cdfi.compression.importance import importance_of_units
from cdfi.compression.measure import latency, peak_memory
from cdfi.compression.picture import picture
from cdfi.compression.regrow import regrow
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.caller import warn_user
from cdfi.compression.tracing.trace import Example, trace
from cdfi.compression.verify import check_runs, require_same
from cdfi.compression.widths import WidthPlan, protect, unfollowed

OnUnknown = Literal["error", "protect"]
#: Returns the units of every width, and the factor that the budget needs, at most a given one,
#: from a plan and the importance of its units.
Choose = Callable[[WidthPlan, Mapping[int, float], float], tuple[list[int], float]]


@dataclass(frozen=True)
class Derived:
    """A smaller network and its size; it unpacks into its first four attributes.

    Attributes:
        module: the smaller network.
        factor: by which all densities were scaled to meet the budget, or the fraction of channels
            that a ranking keeps.
        before: size of the original network.
        after: size of the smaller network.
        reasons: layers that keep their number of out-channels whatever the densities are, and why.
        widths: out-channels of every layer before and after.
        milliseconds: the measured time of a run, if the budget has one.
        memory: the measured bytes, if the budget has a number of them.
    """

    module: nn.Module
    factor: float
    before: Size
    after: Size
    reasons: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    milliseconds: float | None = None
    memory: int | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.module, self.factor, self.before, self.after))

    def svg(self) -> str:
        """Return a picture of the widths of all layers, before and after, as SVG."""
        return picture(self.widths, self.reasons)

    def _repr_html_(self) -> str:
        return self.svg()


class Request(NamedTuple):
    """What a smaller network is derived from, apart from the choice of widths."""

    model: nn.Module
    example: Example
    protected: Sequence[str]
    extra: Mapping[str, Rule] | None
    on_unknown: OnUnknown
    importance: str
    warm_start: bool


def build(request: Request, choose: Choose, budget: Budget | None, most: float) -> Derived:
    """Return the smaller network at the largest factor, up to ``most``, that meets the budget.

    Parameters and operations follow from the widths, and ``choose`` meets their limits. For time
    and memory, networks of several factors are built and measured.
    """

    def at(factor: float) -> Derived:
        return _measured(_built(request, choose, factor), request.example, budget)

    if budget is None or budget.milliseconds is budget.memory is None:
        return at(most)
    return within_measured(budget, at, most)


def _built(request: Request, choose: Choose, most: float) -> Derived:
    model, example, extra = request.model, request.example, request.extra
    plan, protected = plan_widths(model, example, request.protected, extra, request.on_unknown)
    scores = importance_of_units(plan, model, request.importance)
    small, plan = fit(
        model, plan, lambda p: p.largest(choose(p, scores, most)[0], scores), example, extra
    )
    units, factor = choose(plan, scores, most)
    check_runs(model, small, example, plan)
    if units == plan.full():
        require_same(model, small, example, "copying the model", plan.can_lose_channels)
    if request.warm_start:
        regrow(small, example, protected, extra)
    else:
        _reset(small)
    before, after = size(plan, plan.full()), size(plan, units)
    return Derived(small, factor, before, after, plan.reasons(), plan.out_channels(units))


def _measured(found: Derived, example: Example, budget: Budget | None) -> Derived:
    """Add the measurements that the budget limits."""
    if budget is None:
        return found
    return replace(
        found,
        milliseconds=None if budget.milliseconds is None else latency(found.module, example),
        memory=None if budget.memory is None else peak_memory(found.module, example),
    )


def size(plan: WidthPlan, units: Sequence[int]) -> Size:
    """Return the cost of the network at these widths."""
    return Size(plan.parameters(units), plan.flops(units))


def plan_widths(
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
            warn_user(f"kept the widths of layers that cannot be followed: {names}")
            protected = [*protected, *found]
    return WidthPlan(graph, protected), protected


def _reset(model: nn.Module) -> None:
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
