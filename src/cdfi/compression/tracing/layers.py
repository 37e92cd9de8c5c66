"""The layers whose weights are pruned, and the order of their channels."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WITH_MATRIX = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)


class Layer(NamedTuple):
    """A layer with a weight matrix."""

    name: str
    weight: Tensor
    bias: Tensor | None
    channels_in: int
    channels_out: int


def layers(model: nn.Module) -> Iterator[Layer]:
    """Yield the convolutions, transposed convolutions and linear layers of ``model``, each once.

    Raises:
        ValueError: a weight that two layers share, that is still lazy, or that is not finite.
    """
    owners: dict[int, str] = {}
    for name, module in model.named_modules():
        if not isinstance(module, WITH_MATRIX):
            continue
        if isinstance(module.weight, nn.UninitializedParameter):
            raise ValueError(f"layer {name!r} has no shape yet: run the model once on an example")
        if id(module.weight) in owners:
            raise ValueError(
                f"layers {owners[id(module.weight)]!r} and {name!r} share one weight, which cannot "
                "shrink for one of them only: call one module twice instead, or untie them"
            )
        owners[id(module.weight)] = name
        check_finite(name, module.weight)
        yield _layer(name, module)


def check_finite(name: str, weight: Tensor) -> None:
    """Raise ValueError if a weight holds NaN or infinity: its zeros would be meaningless."""
    if not weight.is_meta and not bool(torch.isfinite(weight).all()):
        raise ValueError(
            f"the weights of {name!r} hold NaN or infinity: load them from a run that did not "
            "diverge (a smaller learning rate helps)"
        )


def _layer(name: str, module: nn.Module) -> Layer:
    if isinstance(module, nn.Linear):
        return Layer(name, module.weight, module.bias, module.in_features, module.out_features)
    assert isinstance(module, (*CONVOLUTIONS, *TRANSPOSED))
    channels = (module.in_channels, module.out_channels)
    return Layer(name, module.weight, module.bias, *channels)
