"""The parameters that make each channel: they are zero together if the channel is removed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.trace import Example, trace
from cdfi.compression.widths import WidthPlan


class ParameterRows(NamedTuple):
    """The rows of a parameter that belong to groups.

    Attributes:
        dim: the dimension of the rows.
        group: int64, the group of each row; -1 for rows that no group has.
    """

    dim: int
    group: Tensor


class ChannelGroups(NamedTuple):
    """The groups of a model.

    Attributes:
        rows: by the name of a parameter.
        sizes: the number of values of each group, float32.
    """

    rows: dict[str, ParameterRows]
    sizes: Tensor


def channel_groups(
    model: nn.Module,
    example: Example,
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
) -> ChannelGroups:
    """Return a group for every channel that can be removed, or channels that are removed together.

    A group holds what makes the channel: filters of all layers that an addition joins, their
    biases, scales and shifts of norms. If it is zero, so is the channel for every input. These are
    the zero-invariant groups of OTO (Chen et al., NeurIPS 2021, arXiv:2107.07467).

    Args:
        model: the network.
        example: as for :func:`cdfi.compression.derive.derive`.
        protected: as there.
        extra: as there.

    Raises:
        ValueError: a model that cannot be traced.
    """
    plan = WidthPlan(trace(model, example, extra), protected)
    makers = _makers(plan)
    free = [unit for width in plan.widths if not width.fixed for unit in width.units]
    number = {unit: i for i, unit in enumerate(free)}
    sizes = torch.zeros(len(free))
    rows = {}
    for (name, dim), roots in plan.roots.items():
        if name not in plan.graph.trained or makers.get(name, 0) != dim:
            continue
        group = torch.tensor([number.get(root, -1) for root in roots], dtype=torch.int64)
        if (group >= 0).any():
            rows[name] = ParameterRows(dim, group)
            each = plan.graph.tensors[name].numel() // len(roots)
            sizes.index_add_(
                0, group[group >= 0], torch.full((int((group >= 0).sum()),), float(each))
            )
    return ChannelGroups(rows, sizes)


def _makers(plan: WidthPlan) -> dict[str, int]:
    """Return for each weight the dimension of its out-channels."""
    outs: dict[str, set[int]] = {}
    for layer, ids in plan.graph.outputs:
        outs.setdefault(layer, set()).update(plan.graph.roots(ids).tolist())
    found = {}
    for name, layer in plan.graph.layer_of.items():
        dims = [d for d in (0, 1) if set(plan.roots.get((name, d), ())) == outs[layer]]
        found[name] = dims[0] if dims else -1
    return found
