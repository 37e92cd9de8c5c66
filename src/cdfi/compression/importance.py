"""Which channels are kept: measures of their importance, one row each."""

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cdfi.compression.widths import WidthPlan

#: Returns a value for each row of a parameter, from (rows, values) and the gradients in its shape.
Measure = Callable[[Tensor, Tensor], Tensor]


def _magnitude(rows: Tensor, _grads: Tensor) -> Tensor:
    return rows.abs().sum(1)


def _taylor(rows: Tensor, grads: Tensor) -> Tensor:
    return (rows * grads).sum(1).abs()


def _norm_scale(rows: Tensor, _grads: Tensor) -> Tensor:
    return rows.abs().sum(1) if rows.shape[1] == 1 else torch.zeros(len(rows))


def _median_distance(rows: Tensor, _grads: Tensor) -> Tensor:
    return torch.cdist(rows, rows).sum(1) if rows.shape[1] > 1 else torch.zeros(len(rows))


#: magnitude: sum of sizes. taylor: the change of the loss without the channel, to first order, from
#: the gradients that the parameters hold (Molchanov et al., CVPR 2019). norm_scale: scales and
#: shifts alone (Liu et al., ICCV 2017). median: distance to the other filters (FPGM; He et al.,
#: CVPR 2019).
IMPORTANCE: dict[str, Measure] = {
    "magnitude": _magnitude,
    "taylor": _taylor,
    "norm_scale": _norm_scale,
    "median": _median_distance,
}


def importance_of_units(plan: WidthPlan, model: nn.Module, name: str) -> dict[int, float]:
    """Return the importance of every unit: the sum over all parameters that hold it.

    Raises:
        ValueError: an unknown measure, or "taylor" for a model without gradients.
    """
    if name not in IMPORTANCE:
        raise ValueError(f"importance is one of {', '.join(IMPORTANCE)}, got {name!r}")
    grads = {path: p.grad for path, p in model.named_parameters()}
    if name == "taylor" and all(grad is None for grad in grads.values()):
        raise ValueError(
            'importance="taylor" reads the gradients of the parameters: call backward() on the '
            "loss of some batches before"
        )
    sums: dict[int, float] = defaultdict(float)
    for (path, dim), roots in plan.roots.items():
        if path in plan.graph.trained:
            tensor = plan.graph.tensors[path].float()
            grad = grads[path]
            grad = torch.zeros_like(tensor) if grad is None else grad.float()
            rows, slopes = (t.movedim(dim, 0).reshape(len(roots), -1) for t in (tensor, grad))
            for root, value in zip(roots, IMPORTANCE[name](rows, slopes).tolist()):
                sums[root] += value
    return sums
