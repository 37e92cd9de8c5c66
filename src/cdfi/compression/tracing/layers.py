"""The layers whose weights are pruned, and the order of their channels."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WITH_MATRIX = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)
#: Layers with several weights, whose density is that of all of them.
SEVERAL = (nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)


class Layer(NamedTuple):
    """A layer with a weight matrix."""

    name: str
    weight: Tensor
    bias: Tensor | None
    channels_in: int
    channels_out: int


def layers(model: nn.Module) -> Iterator[Layer]:
    """Yield the layers of ``model`` with weight matrices; of those that share one, the first.

    These are convolutions, transposed convolutions, linear and recurrent layers, attention, and
    modules of other classes whose parameter ``weight`` has two or more dimensions.

    Raises:
        ValueError: a weight that is still lazy, or that is not finite.
    """
    seen: dict[int, Tensor] = {}  # with the weight, so that its id stays unique
    for name, module in model.named_modules():
        if not isinstance(module, (*WITH_MATRIX, *SEVERAL)) and not _has_own_matrix(module):
            continue
        if any(isinstance(p, nn.UninitializedParameter) for p in module.parameters()):
            raise ValueError(f"layer {name!r} has no shape yet: run the model once on an example")
        layer = _layer(name, module)
        if id(layer.weight) not in seen:
            seen[id(layer.weight)] = layer.weight
            check_finite(name, layer.weight)
            yield layer


def check_finite(name: str, weight: Tensor) -> None:
    """Raise ValueError if a weight holds NaN or infinity: its zeros would be meaningless."""
    if not weight.is_meta and not bool(torch.isfinite(weight).all()):
        raise ValueError(
            f"the weights of {name!r} hold NaN or infinity: load them from a run that did not "
            "diverge (a smaller learning rate helps)"
        )


def _has_own_matrix(module: nn.Module) -> bool:
    """Return whether a module of a class outside torch has a weight matrix of its own."""
    weight = module._parameters.get("weight")
    own = not type(module).__module__.startswith("torch.") and not isinstance(module, nn.Embedding)
    return own and weight is not None and weight.dim() > 1


def _layer(name: str, module: nn.Module) -> Layer:
    if isinstance(module, nn.RNNBase):
        matrices = [p for n, p in module.named_parameters() if "weight" in n]
        rest = [p.flatten() for n, p in module.named_parameters() if "bias" in n]
        weight = torch.cat([matrix.detach().flatten() for matrix in matrices])
        bias = torch.cat(rest).detach() if rest else None
        return Layer(name, weight, bias, module.input_size, module.hidden_size)
    if isinstance(module, nn.MultiheadAttention):
        weight = module.in_proj_weight
        if weight is None:
            assert module.q_proj_weight is not None
            weight = module.q_proj_weight
        return Layer(name, weight, module.in_proj_bias, module.embed_dim, len(weight))
    if isinstance(module, nn.RNNCellBase):
        weight = torch.cat([module.weight_ih, module.weight_hh], 1).detach()
        bias = module.bias_ih
        return Layer(name, weight, bias, module.input_size, module.hidden_size)
    if isinstance(module, nn.Linear):
        return Layer(name, module.weight, module.bias, module.in_features, module.out_features)
    if not isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)):
        return _own_layer(name, module)
    channels = (module.in_channels, module.out_channels)
    return Layer(name, module.weight, module.bias, *channels)


def _own_layer(name: str, module: nn.Module) -> Layer:
    """Return the layer of a class outside torch: a weight (out, in), or (in, out) by its bias."""
    weight, bias = module.get_parameter("weight"), module._parameters.get("bias")
    out, feeding = weight.shape[:2]
    if bias is not None and len(bias) == feeding != out:
        out, feeding = feeding, out
    return Layer(name, weight, bias, feeding, out)


def shared_layers(model: nn.Module, names: Mapping[int, str]) -> dict[str, str]:
    """Return, for each layer whose weight is that of another one, the other.

    Args:
        model: the network.
        names: the one name of each parameter by its ``id``.
    """
    every = model.named_parameters(remove_duplicate=False)
    matrices = [(name, names[id(p)]) for name, p in every if p.dim() > 1]
    return {layer_name(name): layer_name(own) for name, own in matrices if own != name}


def layer_name(parameter: str) -> str:
    """Return the layer that a parameter belongs to; parametrizations are part of their layer."""
    return (
        parameter.rpartition(".")[0]
        .partition(".parametrizations.")[0]
        .removesuffix(".parametrizations")
    )
