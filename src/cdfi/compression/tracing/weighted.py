"""Rules of operations with weights: convolutions, linear layers, norms and PReLU."""

import torch
from torch import Tensor

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.contraction import linear_by_view
from cdfi.compression.tracing.elementwise import zeros
from cdfi.compression.tracing.graph import Channels, Graph
from cdfi.compression.tracing.layers import layer_name


def convolution(graph: Graph, call: Call) -> bool:
    """Handle a weight (O, I / groups, ...): in-channels along 1, out-channels along 0."""
    x, weight, groups = call.args[0], call.argument(1, "weight"), call.argument(6, "groups", 1)
    if not graph.is_parameter(weight):
        return _filter_planes(graph, call, weight, groups)
    out = graph.slot(weight, 0)
    if groups > 1:
        _tie(graph, out, groups, depthwise=weight.shape[1] == 1)
    if groups > 1 and weight.shape[1] == 1:
        feeding = out[:: len(out) // groups]
    else:
        feeding = graph.slot(weight, 1).repeat(groups)
    blocks = weight.detach().reshape(groups, len(out) // groups, weight.shape[1], -1)
    graph.add_layer(weight, call.result.numel() // len(out), out)
    return _connect(graph, x, blocks, feeding, out, call)


def _filter_planes(graph: Graph, call: Call, weight: Tensor, groups: int) -> bool:
    """Handle one filter that is repeated for every plane, such as a blur: zero stays zero."""
    channels = graph.channels_of(call.args[0])
    alike = weight.shape[1] == 1 and torch.equal(weight, weight[:1].expand_as(weight))
    if channels is None or channels.dim != 1 - weight.dim():
        return False
    if (
        not alike
        or not groups == len(weight) == len(channels.ids)
        or call.argument(2, "bias") is not None
    ):
        return False
    graph.add_sized(channels.ids)
    graph.set_channels(call.result, channels.dim, channels.ids, zeros(channels))
    return True


def transposed(graph: Graph, call: Call) -> bool:
    """Handle a weight (I, O / groups, ...): in-channels along 0, out-channels along 1."""
    x, weight, groups = call.args[0], call.argument(1, "weight"), call.argument(6, "groups", 1)
    if not graph.is_parameter(weight):
        return False
    feeding = graph.slot(weight, 0)
    if groups == len(feeding) > 1:
        out = feeding.repeat_interleave(weight.shape[1])
    else:
        if groups > 1:
            _tie(graph, feeding, groups, depthwise=False)
        out = graph.slot(weight, 1).repeat(groups)
    blocks = weight.detach().reshape(groups, len(feeding) // groups, weight.shape[1], -1)
    graph.add_layer(weight, x.numel() // len(feeding), out)
    return _connect(graph, x, blocks.transpose(1, 2), feeding, out, call)


def linear(graph: Graph, call: Call) -> bool:
    """Handle a weight (O, I) over the last dimension."""
    x, weight = call.args[0], call.argument(1, "weight")
    if not graph.is_parameter(weight):
        return linear_by_view(graph, call)
    feeding, out = graph.slot(weight, 1), graph.slot(weight, 0)
    graph.add_layer(weight, call.result.numel() // len(out), out)
    return _connect(graph, x, weight.detach()[None, :, :, None], feeding, out, call)


def embedding(graph: Graph, call: Call) -> bool:
    """Handle a table (entries, channels)."""
    weight = call.argument(1, "weight")
    if not graph.is_parameter(weight):
        return False
    ids = graph.slot(weight, 1)
    graph.outputs.append((layer_name(graph.names[id(weight)]), ids))
    rows = weight.detach().float().cpu()
    value = torch.where((rows == rows[:1]).all(0), rows[0], torch.nan)
    graph.set_channels(call.result, -1, ids, value)
    return True


def _connect(
    graph: Graph, x: Tensor, blocks: Tensor, feeding: Tensor, out: Tensor, call: Call
) -> bool:
    """Merge the in-channels of a layer with those of its input, and record those of its output.

    ``blocks`` is the weight as (groups, O / groups, I / groups, taps). A channel adds nothing if it
    is zero for every input, or if all weights that read it are zero: it can be skipped.
    """
    dim = -1 if call.name == "linear" else 2 - call.argument(1, "weight").dim() - 1
    channels, bias = graph.channels_of(x), call.argument(2, "bias")
    if channels and channels.dim != dim:
        return False
    active = torch.ones(len(feeding), dtype=torch.bool)
    if channels:
        graph.join(feeding, channels.ids)
        active = channels.value.cpu() != 0
    else:
        graph.pin(feeding, "the layer reads a tensor that no layer computes")
    weight = call.argument(1, "weight")
    mixed = graph.mixed[graph.names[id(weight)]]
    graph.inputs.append((layer_name(graph.names[id(weight)]), feeding))
    nonzero = (blocks != 0).any(-1).cpu()  # (groups, O / groups, I / groups)
    if 1 in mixed:  # a norm of the weights reads those of zero channels too
        active = torch.ones(len(feeding), dtype=torch.bool)
    if 0 in mixed:
        graph.add_reader(out, ~nonzero.any(-1).flatten())
    if not set(feeding.tolist()) <= set(out.tolist()):  # not depthwise, where both are the same
        graph.add_reader(feeding, ~(active & nonzero.any(1).flatten()))
    if bias is not None:
        _scaled(graph, Channels(dim, out, torch.empty(0)), [bias])
    varies = (nonzero & active.view(len(nonzero), 1, -1)).any(-1).flatten()
    constant = torch.zeros(len(out)) if bias is None else bias.detach().float().cpu()
    graph.set_channels(call.result, dim, out, torch.where(varies, torch.nan, constant))
    return True


def _tie(graph: Graph, ids: Tensor, groups: int, depthwise: bool) -> None:
    """Keep groups equally wide: the k-th channels of all groups are merged.

    If every group has one in-channel, the out-channels of a group are merged instead.
    """
    rows = ids.view(groups, -1).T if depthwise else ids.view(groups, -1)
    for row in rows[1:]:
        graph.join(row, rows[0])


def _scaled(graph: Graph, channels: Channels, tensors: list[Tensor | None], dim: int = 0) -> None:
    for tensor in tensors:
        if tensor is None:
            continue
        own = graph.along(tensor, dim)
        if own is not None:
            graph.join(own, channels.ids)
        else:
            graph.pin(channels.ids, "scaled by a tensor that no layer holds")


def batch_norm(graph: Graph, call: Call) -> bool:
    """Handle statistics, scale and shift by channel; constants stay constant."""
    channels = graph.channels_of(call.args[0])
    mean, var, weight, bias = (
        call.argument(i, name)
        for i, name in enumerate(("running_mean", "running_var", "weight", "bias"), 1)
    )
    if channels is None or mean is None:
        return channels is None
    _scaled(graph, channels, [mean, var, weight, bias])
    eps = call.argument(7, "eps", 1e-5)
    value = (channels.value - mean.float().cpu()) / (var.float().cpu() + eps).sqrt()
    return _affine(graph, call, channels, value, weight, bias)


def instance_norm(graph: Graph, call: Call) -> bool:
    """Handle statistics of each plane; a constant plane becomes its shift."""
    channels = graph.channels_of(call.args[0])
    if channels is None:
        return True
    weight, bias = call.argument(3, "weight"), call.argument(4, "bias")
    _scaled(graph, channels, [call.argument(1, "running_mean"), call.argument(2, "running_var")])
    _scaled(graph, channels, [weight, bias])
    graph.add_sized(channels.ids)
    return _affine(graph, call, channels, channels.value * 0, weight, bias)


def _affine(
    graph: Graph,
    call: Call,
    channels: Channels,
    value: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
) -> bool:
    if weight is not None:
        scale = weight.detach().float().cpu()
        value = torch.where(scale == 0, 0.0, value * scale)
    if bias is not None:
        value = value + bias.detach().float().cpu()
    graph.set_channels(call.result, channels.dim, channels.ids, value)
    return True


def group_norm(graph: Graph, call: Call) -> bool:
    """Handle statistics of a group: all groups keep equal widths, and zeros count."""
    x, groups = call.args[0], call.argument(1, "num_groups")
    channels = graph.channels_of(x)
    if channels is None or channels.dim + x.dim() != 1:
        return channels is None
    _scaled(graph, channels, [call.argument(2, "weight"), call.argument(3, "bias")])
    if 1 < groups < len(channels.ids):
        _tie(graph, channels.ids, groups, depthwise=False)
    if groups < len(channels.ids):
        graph.add_reader(channels.ids, torch.zeros(len(channels.ids), dtype=torch.bool))
    graph.set_channels(call.result, channels.dim, channels.ids)
    return True


def layer_norm(graph: Graph, call: Call) -> bool:
    """Handle statistics over the last dimensions, which may include the channels."""
    channels, shape = graph.channels_of(call.args[0]), call.argument(1, "normalized_shape")
    if channels is None:
        return True
    if channels.dim >= -len(shape):
        scales = [call.argument(2, "weight"), call.argument(3, "bias")]
        _scaled(graph, channels, scales, channels.dim)
        graph.add_sized(channels.ids)
        graph.add_reader(channels.ids, torch.zeros(len(channels.ids), dtype=torch.bool))
    graph.set_channels(call.result, channels.dim, channels.ids)
    return True


def prelu(graph: Graph, call: Call) -> bool:
    """Handle one slope for all channels, or one for each."""
    channels, weight = graph.channels_of(call.args[0]), call.argument(1, "weight")
    if channels is None:
        return True
    if weight.numel() > 1:
        if channels.dim + call.args[0].dim() != 1 or not graph.is_parameter(weight):
            return False
        graph.join(graph.slot(weight, 0), channels.ids)
    slope = weight.detach().float().cpu()
    value = torch.where(channels.value < 0, channels.value * slope, channels.value)
    graph.set_channels(call.result, channels.dim, channels.ids, value)
    return True
