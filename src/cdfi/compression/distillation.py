"""Retrain a smaller network with the outputs and features of the original as targets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.compression.tracing.outputs import tensor_leaves


class Distillation:
    """The loss of a small network against the original, for any pair of modules.

    Features of the small network may have fewer channels than those of the original. They are
    compared by their attention maps, the mean of squares over channels, normalised over positions
    (Zagoruyko and Komodakis, ICLR 2017).

    Args:
        teacher: the original; it runs in evaluation mode, without gradients.
        student: the smaller network, with the same module names.
        features: weight of the loss of each module's output, by its name.
        outputs: weight of the mean squared error of the outputs.

    Raises:
        ValueError: a name in ``features`` that one of the networks does not have.
    """

    def __init__(
        self,
        teacher: nn.Module,
        student: nn.Module,
        *,
        features: Mapping[str, float] | None = None,
        outputs: float = 1.0,
    ) -> None:
        self.teacher, self.student = teacher.eval(), student
        self.features, self.outputs = dict(features or {}), outputs
        for name in self.features:
            for kind, network in (("teacher", teacher), ("student", student)):
                if name not in dict(network.named_modules()):
                    raise ValueError(f"features names {name!r}, which the {kind} does not have")

    def __call__(self, *inputs: Any, **keywords: Any) -> tuple[Any, Tensor]:
        """Return the student's output and the loss, which has gradients for the student."""
        with torch.no_grad(), _outputs_of(self.teacher, self.features) as wanted:
            target = self.teacher(*inputs, **keywords)
        with _outputs_of(self.student, self.features) as found:
            result = self.student(*inputs, **keywords)
        pairs = zip(tensor_leaves(result), tensor_leaves(target), strict=True)
        floats = [(x, y) for x, y in pairs if x.is_floating_point()]
        losses = [self.outputs * F.mse_loss(x, y) for x, y in floats]
        for name, weight in self.features.items():
            losses.append(weight * F.mse_loss(_attention(found[name]), _attention(wanted[name])))
        return result, torch.stack(losses).sum()


@contextmanager
def _outputs_of(network: nn.Module, names: Mapping[str, float]) -> Iterator[dict[str, Tensor]]:
    """Collect the first output tensor of modules while the network runs."""
    found: dict[str, Tensor] = {}
    handles = []
    for name in names:

        def keep(_module: nn.Module, _args: Any, result: Any, name: str = name) -> None:
            found[name] = tensor_leaves(result)[0]

        handles.append(network.get_submodule(name).register_forward_hook(keep))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _attention(feature: Tensor) -> Tensor:
    """Return the mean of squares over channels, of length 1 for each sample, (N, positions).

    Channels are dimension 1 of (N, C, H, W) and (N, C, ...), the last of (N, L, C) and (N, C).
    """
    dim = 1 if feature.dim() > 3 else -1
    return F.normalize(feature.square().mean(dim).flatten(1 if feature.dim() > 2 else 0), dim=-1)
