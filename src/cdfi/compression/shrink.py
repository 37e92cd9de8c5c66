"""Build a smaller module: the same layers with some of their channels removed."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cdfi.compression.heads import update_attention
from cdfi.compression.tracing.graph import Slot
from cdfi.compression.tracing.layers import CONVOLUTIONS, TRANSPOSED


def shrink(model: nn.Module, indices: Mapping[Slot, Tensor]) -> nn.Module:
    """Return a copy of ``model`` with the given indices of every slot, and its new widths."""
    small = copy.deepcopy(model)
    by_tensor: dict[str, dict[int, Tensor]] = {}
    for (name, dim), kept in indices.items():
        by_tensor.setdefault(name, {})[dim] = kept
    for name, dims in by_tensor.items():
        path, _, leaf = name.rpartition(".")
        tensor: Tensor = getattr(model.get_submodule(path), leaf).detach()
        for dim, kept in dims.items():
            tensor = tensor.index_select(dim, kept.to(tensor.device))
        set_tensor(small, name, tensor.clone())
    for module in small.modules():
        update_widths(module)
    return small


def set_tensor(model: nn.Module, name: str, value: Tensor) -> None:
    """Replace a parameter or buffer of ``model``, wherever it occurs; its shape may be another."""
    path, _, leaf = name.rpartition(".")
    old = getattr(model.get_submodule(path), leaf)
    new = nn.Parameter(value, old.requires_grad) if isinstance(old, nn.Parameter) else value
    for module in model.modules():
        holders: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for own in holders:
            own.update({key: new for key, tensor in own.items() if tensor is old})


def update_widths(module: nn.Module) -> None:
    """Set the attributes of a layer to the widths of its weights."""
    if isinstance(module, CONVOLUTIONS):
        depthwise = module.groups == module.in_channels > 1
        each = module.out_channels // module.groups
        module.out_channels, reads = _shape(module)[:2]
        module.groups = module.out_channels // each if depthwise else module.groups
        module.in_channels = reads * module.groups
    elif isinstance(module, TRANSPOSED):
        depthwise = module.groups == module.in_channels > 1
        module.in_channels, makes = _shape(module)[:2]
        module.groups = module.in_channels if depthwise else module.groups
        module.out_channels = makes * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = _shape(module)
    elif isinstance(module, nn.Bilinear):
        module.out_features, module.in1_features, module.in2_features = _shape(module)
    elif isinstance(module, nn.Embedding):
        module.num_embeddings, module.embedding_dim = _shape(module)
    elif isinstance(module, nn.MultiheadAttention):
        update_attention(module)
    elif isinstance(module, nn.RNNBase):
        module.input_size, module.hidden_size = (
            module.get_parameter(name).shape[1] for name in ("weight_ih_l0", "weight_hh_l0")
        )
        module._flat_weights = [getattr(module, name) for name in module._flat_weights_names]
    elif isinstance(module, nn.RNNCellBase):
        module.input_size, module.hidden_size = module.weight_ih.shape[1], module.weight_hh.shape[1]
    else:
        _update_norm(module)


def whole_numbers(module: nn.Module) -> dict[str, object]:
    """Return the attributes of a module that hold integers, such as a number of heads.

    Those of torch's own layers follow from their weights and are left out, except for norms
    without weights.
    """
    found: dict[str, object] = {}
    if type(module).__module__.startswith("torch.nn"):
        if module._parameters.get("weight", module) is None:
            names = ("normalized_shape", "num_features", "num_channels")
            found = {name: value for name in names if (value := getattr(module, name, None))}
        return found
    for name, value in vars(module).items():
        numbers = value if isinstance(value, (tuple, list)) and value else [value]
        if not name.startswith("_") and all(type(number) is int for number in numbers):
            found[name] = value
    return found


def _shape(module: nn.Module) -> torch.Size:
    """Return the shape of a weight, which a hook may compute from another parameter."""
    for name in ("weight_v", "weight_orig"):
        if name in module._parameters:
            own: Tensor = getattr(module, name)
            return own.shape
    weight: Tensor = module.weight  # type: ignore[assignment]
    return weight.shape


def _update_norm(module: nn.Module) -> None:
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() == 0:
        return
    width = len(weight)
    if isinstance(module, nn.GroupNorm):
        by_channel = module.num_groups == module.num_channels
        module.num_channels = width
        module.num_groups = width if by_channel else module.num_groups
    elif isinstance(module, nn.modules.batchnorm._NormBase):
        module.num_features = width
    elif isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
        module.normalized_shape = tuple(weight.shape)
    elif isinstance(module, nn.PReLU):
        module.num_parameters = width
