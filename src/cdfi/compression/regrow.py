"""Initialise dead channels again, so that training can use them."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.layers import TRANSPOSED, WITH_MATRIX
from cdfi.compression.tracing.trace import Example, trace
from cdfi.compression.verify import require_same
from cdfi.compression.widths import WidthPlan


@torch.no_grad()
def regrow(
    model: nn.Module,
    example: Example,
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
) -> int:
    """Give every dead channel new incoming weights, in place; return the number of channels.

    Pruning leaves channels whose filter is zero and whose readers are zero too. No gradient reaches
    either, so retraining would never use them. Here the filter of such a channel is drawn again (He
    et al., ICCV 2015) and the weights that read it become zero: the model computes the same as
    before, and the readers learn from the first step. Channels of grouped layers stay as they are.

    Args:
        model: a network that runs on the example.
        example: as for :func:`cdfi.compression.derive.derive`.
        protected: as for :func:`cdfi.compression.derive.derive`.
        extra: as for :func:`cdfi.compression.derive.derive`.

    Raises:
        ValueError: a model that cannot be traced, or one that would compute something else; it is
            left as it was.
    """
    plan = WidthPlan(trace(model, example, extra), protected)
    before = copy.deepcopy(model)
    dead = _initialise(model, plan)
    layers = [
        name for name, ids in plan.graph.outputs if dead & set(plan.graph.roots(ids).tolist())
    ]
    try:
        require_same(before, model, example, "initialising dead channels", lambda: layers)
    except ValueError:
        model.load_state_dict(before.state_dict())
        raise
    return len(dead)


def _initialise(model: nn.Module, plan: WidthPlan) -> set[int]:
    """Initialise the dead units, and return them."""
    makers, readers = _channel_dims(model)
    dead = plan.regrowable_units()
    for (name, _), roots in plan.roots.items():
        if name.endswith("weight") and name not in makers:
            module = model.get_submodule(name.rpartition(".")[0])
            if isinstance(module, WITH_MATRIX):  # grouped
                dead.difference_update(roots)
    tensors = dict(model.named_parameters())
    for (name, dim), roots in plan.roots.items():
        rows = [i for i, root in enumerate(roots) if root in dead]
        if rows and readers.get(name) == dim:
            tensors[name].movedim(dim, 0)[rows] = 0
    for (name, dim), roots in plan.roots.items():
        rows = [i for i, root in enumerate(roots) if root in dead]
        if rows and makers.get(name) == dim:
            _draw(tensors[name].movedim(dim, 0), rows)
            bias = tensors.get(f"{name.rpartition('.')[0]}.bias")
            if bias is not None:
                bias[rows] = 0
    return dead


def _channel_dims(model: nn.Module) -> tuple[dict[str, int], dict[str, int]]:
    """Return the dimensions of out-channels and in-channels of each weight without groups."""
    makers, readers = {}, {}
    for name, module in model.named_modules():
        if isinstance(module, WITH_MATRIX) and getattr(module, "groups", 1) == 1:
            back = isinstance(module, TRANSPOSED)
            makers[f"{name}.weight"], readers[f"{name}.weight"] = (1, 0) if back else (0, 1)
    return makers, readers


def _draw(filters: Tensor, rows: list[int]) -> None:
    """Initialise some filters, (out, ...), as for a layer before a ReLU."""
    fan_in = filters[0].numel()
    filters[rows] = torch.randn_like(filters[rows]) * (2 / fan_in) ** 0.5
