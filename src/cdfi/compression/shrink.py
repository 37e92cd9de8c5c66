"""Build a smaller module: the same layers with some of their channels removed."""

import copy
from collections.abc import Mapping

import torch
from torch import nn

from cdfi.compression.tracing.graph import Slot
from cdfi.compression.tracing.layers import CONVOLUTIONS, TRANSPOSED


def shrink(model: nn.Module, indices: Mapping[Slot, torch.Tensor]) -> nn.Module:
    """Return a copy of ``model`` with the given indices of every slot, and its new widths."""
    small = copy.deepcopy(model)
    by_tensor: dict[str, dict[int, torch.Tensor]] = {}
    for (name, dim), kept in indices.items():
        by_tensor.setdefault(name, {})[dim] = kept
    for name, dims in by_tensor.items():
        path, _, leaf = name.rpartition(".")
        tensor: torch.Tensor = getattr(model.get_submodule(path), leaf).detach()
        for dim, kept in dims.items():
            tensor = tensor.index_select(dim, kept.to(tensor.device))
        set_tensor(small, name, tensor.clone())
    for module in small.modules():
        update_widths(module)
    return small


def set_tensor(model: nn.Module, name: str, value: torch.Tensor) -> None:
    """Replace a parameter or buffer of ``model``, which may have another shape."""
    path, _, leaf = name.rpartition(".")
    module = model.get_submodule(path)
    if leaf in module._parameters:
        old = module._parameters[leaf]
        assert old is not None
        module._parameters[leaf] = nn.Parameter(value, old.requires_grad)
    else:
        module._buffers[leaf] = value


def update_widths(module: nn.Module) -> None:
    """Set the attributes of a layer to the widths of its weights."""
    if isinstance(module, CONVOLUTIONS):
        depthwise = module.groups == module.in_channels > 1
        each = module.out_channels // module.groups
        module.out_channels = module.weight.shape[0]
        module.groups = module.out_channels // each if depthwise else module.groups
        module.in_channels = module.weight.shape[1] * module.groups
    elif isinstance(module, TRANSPOSED):
        depthwise = module.groups == module.in_channels > 1
        module.in_channels = module.weight.shape[0]
        module.groups = module.in_channels if depthwise else module.groups
        module.out_channels = module.weight.shape[1] * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    else:
        _update_norm(module)


def _update_norm(module: nn.Module) -> None:
    weight = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor) or weight.dim() != 1:
        return
    width = len(weight)
    if isinstance(module, nn.GroupNorm):
        by_channel = module.num_groups == module.num_channels
        module.num_channels = width
        module.num_groups = width if by_channel else module.num_groups
    elif isinstance(module, nn.modules.batchnorm._NormBase):
        module.num_features = width
    elif isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
        module.normalized_shape = (width,)
    elif isinstance(module, nn.PReLU):
        module.num_parameters = width
