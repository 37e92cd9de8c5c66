"""New weights for channels that do nothing, so that training can use them again."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.layers import TRANSPOSED, WITH_MATRIX
from cdfi.compression.tracing.trace import trace
from cdfi.compression.widths import WidthPlan


@torch.no_grad()
def regrow(
    model: nn.Module,
    example: Sequence[Any],
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
) -> int:
    """Give every channel that nothing would miss new incoming weights, in place; how many.

    Pruning leaves channels whose filter is zero and whose readers are zero too. No gradient
    reaches either, so retraining would carry them along for nothing. Here what makes such a channel
    is drawn anew (He et al., ICCV 2015) and what reads it becomes zero: the model still computes
    the same, and the readers learn from the first step. Channels of grouped layers stay.

    Args:
        model: a network that runs on the example.
        example: arguments of its forward, small but of a typical shape.
        protected, extra: as :func:`cdfi.compression.derive.derive` takes them.

    Raises:
        ValueError: a model that cannot be traced or matched.
    """
    plan = WidthPlan(trace(model, example, extra), protected)
    makers, readers = _ways(model)
    idle = plan.dead_units()
    for (name, _), roots in plan.roots.items():
        if name.endswith("weight") and name not in makers:
            module = model.get_submodule(name.rpartition(".")[0])
            if isinstance(module, WITH_MATRIX):  # grouped
                idle.difference_update(roots)
    tensors = dict(model.named_parameters())
    for (name, dim), roots in plan.roots.items():
        rows = [i for i, root in enumerate(roots) if root in idle]
        if rows and readers.get(name) == dim:
            tensors[name].movedim(dim, 0)[rows] = 0
    for (name, dim), roots in plan.roots.items():
        rows = [i for i, root in enumerate(roots) if root in idle]
        if rows and makers.get(name) == dim:
            _draw(tensors[name].movedim(dim, 0), rows)
            bias = tensors.get(f"{name.rpartition('.')[0]}.bias")
            if bias is not None:
                bias[rows] = 0
    return len(idle)


def _ways(model: nn.Module) -> tuple[dict[str, int], dict[str, int]]:
    """For the weight of each layer without groups: the dimension it makes, and the one it reads."""
    makers, readers = {}, {}
    for name, module in model.named_modules():
        if isinstance(module, WITH_MATRIX) and getattr(module, "groups", 1) == 1:
            back = isinstance(module, TRANSPOSED)
            makers[f"{name}.weight"], readers[f"{name}.weight"] = (1, 0) if back else (0, 1)
    return makers, readers


def _draw(filters: Tensor, rows: list[int]) -> None:
    """Fill some filters, (out, ...), as a layer before a ReLU starts."""
    fan_in = filters[0].numel()
    filters[rows] = torch.randn_like(filters[rows]) * (2 / fan_in) ** 0.5
