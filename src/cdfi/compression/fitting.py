"""Fit the code of a smaller module to its widths: numbers that modules hold as attributes."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cdfi.compression.numbers_in_code import (
    Attribute,
    Pick,
    chosen,
    options_of,
    picks_by_class,
    picks_by_place,
)
from cdfi.compression.shrink import shrink
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.caller import line_of_error
from cdfi.compression.tracing.graph import Graph, Slot
from cdfi.compression.tracing.modules import running_modules
from cdfi.compression.tracing.trace import Example, call_with, evaluating, trace
from cdfi.compression.widths import WidthPlan

#: Further values of attributes that are tried if the likeliest do not fit.
MOST_TRIALS = 6


class Misfit(NamedTuple):
    """Why the code of a smaller module does not suit its widths.

    Attributes:
        module: path of the module whose code has failed.
        error: what has failed.
        ids: channels that must keep their number.
    """

    module: str
    error: str
    ids: Tensor


def fit(
    model: nn.Module,
    plan: WidthPlan,
    select: Callable[[WidthPlan], Mapping[Slot, Tensor]],
    example: Example,
    extra: Mapping[str, Rule] | None,
) -> tuple[nn.Module, WidthPlan]:
    """Return a smaller module that runs, and the plan whose widths it has.

    Widths that the code of a module does not allow to shrink are fixed, and the rest is tried
    again.

    Args:
        model: the original; it is not changed.
        plan: its widths.
        select: returns the indices of every slot to keep.
        example: arguments of its forward.
        extra: rules for operations of the user's own.

    Raises:
        ValueError: the smaller module does not run for another reason.
    """
    while True:
        found = fitted(model, plan, select(plan), example, extra)
        if isinstance(found, nn.Module):
            return found, plan
        place = f"the code of {found.module!r}" if found.module else "the code"
        if plan.is_fixed(found.ids):
            raise ValueError(
                f"the smaller model does not run: {place} depends on a width: {found.error}. Pass "
                f"protected={plan.can_lose_channels()!r}, or those of these layers whose width it "
                "is"
            )
        plan.graph.pin(found.ids, f"{place} contains a width: {found.error}")
        plan = WidthPlan(plan.graph)


def fitted(
    model: nn.Module,
    plan: WidthPlan,
    kept: Mapping[Slot, Tensor],
    example: Example,
    extra: Mapping[str, Rule] | None,
) -> nn.Module | Misfit:
    """Return ``model`` with the given indices of every slot, or why its code does not allow it.

    Attributes that hold a width (``num_heads``, ``self.split_sizes``) are set to the new one. The
    smaller module is traced again: its channels must correspond one to one to those that are kept.
    """
    options = options_of(plan.graph, _units_of(plan, kept))

    def attempt(pick: Pick) -> nn.Module | Misfit:
        small = shrink(model, kept)
        modules = dict(small.named_modules())
        for (path, name), values in options.items():
            setattr(modules[path], name, chosen(pick, type(modules[path]), path, name, values))
        return _misfit(plan, small, kept, example, extra) or small

    first = attempt({})
    if isinstance(first, nn.Module):
        return first
    for pick in islice(picks_by_class(plan.graph, options, first.module), MOST_TRIALS):
        found = attempt(pick)
        if isinstance(found, nn.Module):
            return found
    return _one_by_one(plan.graph, options, attempt, first) or first


def _one_by_one(
    graph: Graph,
    options: Mapping[Attribute, list[object]],
    attempt: Callable[[Pick], nn.Module | Misfit],
    first: Misfit,
) -> nn.Module | None:
    """Correct the attributes of one module after the other, as long as the failure moves on.

    If all modules run and only the channels do not correspond, no other failure is progress.
    """
    pick: Pick = {}
    failed, seen = first, {first.module}
    while True:
        for further in islice(picks_by_place(graph, options, failed.module), 2 * MOST_TRIALS):
            found = attempt({**pick, **further})
            if isinstance(found, nn.Module):
                return found
            if failed.module and found.module not in seen:
                break
        else:
            return None
        pick, failed = {**pick, **further}, found
        seen.add(found.module)


def _units_of(plan: WidthPlan, kept: Mapping[Slot, Tensor]) -> set[int]:
    return {plan.roots[slot][i] for slot, indices in kept.items() for i in indices.tolist()}


def _misfit(
    plan: WidthPlan,
    small: nn.Module,
    kept: Mapping[Slot, Tensor],
    example: Example,
    extra: Mapping[str, Rule] | None,
) -> Misfit | None:
    """Return why a smaller module does not run, or does not have the channels that are kept."""
    stack = [""]
    try:
        with evaluating(small), running_modules(small, stack):
            call_with(small, example)
    except Exception as error:
        message = next(iter(str(error).splitlines()), type(error).__name__)
        line = line_of_error(error)
        return Misfit(
            stack[-1], f"{message} ({line})" if line else message, _loose_channels(plan, stack[-1])
        )
    return _mismatch(
        plan, trace(small, example, extra, warn=False, choices=plan.graph.choices), kept
    )


def _loose_channels(plan: WidthPlan, path: str) -> Tensor:
    """Return the channels that are free to shrink and that the code of a failed module handles.

    Modules of its class are treated alike. If none is free, the module around it has failed.
    """
    graph = plan.graph
    leaf = [ids for layer, ids in graph.inputs if layer == path]
    while path and type(graph.modules[path]).__module__.startswith("torch.nn"):
        path = path.rpartition(".")[0]
    while True:
        kind = type(graph.modules[path])
        alike = [p for p, module in graph.modules.items() if type(module) is kind] if path else [""]
        for found in ([ids for p in alike for ids in graph.touched.get(p, ())], leaf):
            loose = [ids for ids in found if not plan.is_fixed(ids)]
            if loose:
                return torch.cat(loose)
        if not path:
            return torch.empty(0, dtype=torch.int64)
        path = path.rpartition(".")[0]


def _mismatch(plan: WidthPlan, found: Graph, kept: Mapping[Slot, Tensor]) -> Misfit | None:
    """Return the channels that the trace of the smaller module does not treat as expected."""
    ours: dict[int, set[int]] = defaultdict(set)  # unit of the smaller module -> units of the plan
    theirs: dict[int, set[int]] = defaultdict(set)
    for slot, indices in kept.items():
        if slot not in found.slots:
            continue
        new = found.roots(found.slots[slot]).tolist()
        if len(new) != len(indices):  # the code has replaced the tensor
            return Misfit("", f"{slot[0]!r} is not as wide as expected", plan.graph.slots[slot])
        for one, i in zip(new, indices.tolist(), strict=True):
            ours[one].add(plan.roots[slot][i])
            theirs[plan.roots[slot][i]].add(one)
    left = [set(width.units) & theirs.keys() for width in plan.widths]
    single = {root for roots in left if len(roots) == 1 for root in roots}  # has no dimension
    wrong = {root for roots in ours.values() if len(roots) > 1 for root in roots}
    wrong |= {root for root, others in theirs.items() if len(others) > 1} - single
    if not wrong:
        return None
    return Misfit("", "channels are grouped in another way", torch.tensor(sorted(wrong)))
