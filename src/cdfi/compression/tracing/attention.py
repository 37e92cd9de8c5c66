"""Rules of attention: heads are kept or removed as a whole."""

import torch
from torch import Tensor

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.elementwise import zeros
from cdfi.compression.tracing.graph import Graph


def scaled_dot_product(graph: Graph, call: Call) -> bool:
    """Handle softmax(q k^T / sqrt(d)) v: channels are heads (a batch dimension) or widths."""
    tensors = [call.argument(i, name) for i, name in enumerate(("query", "key", "value"))]
    query, key, value = (graph.channels_of(tensor) for tensor in tensors)
    known = [channels for channels in (query, key, value) if channels]
    if not known:
        return True
    if query is None or key is None or query.dim != key.dim or len(query.ids) != len(key.ids):
        return False
    if query.dim == -2 or (value and value.dim == -2):
        return False
    graph.join(query.ids, key.ids)
    nothing = torch.zeros(len(query.ids), dtype=torch.bool)
    graph.add_reader(query.ids, nothing | _zero_head(graph, call, query.dim))
    if query.dim != -1:
        if value is None or value.dim != query.dim or len(value.ids) != len(query.ids):
            return False
        graph.join(value.ids, query.ids)
    mask = call.argument(3, "attn_mask")
    if mask is not None and query.dim != -1 and mask.dim() >= -query.dim:
        own = graph.channels_of(mask)
        if own and own.dim == query.dim:
            graph.join(own.ids, query.ids)
        elif mask.shape[query.dim] > 1:
            graph.pin(query.ids, "combined with a tensor that no layer computes")
    if value:
        graph.set_channels(call.result, value.dim, value.ids, zeros(value))
    return True


def _zero_head(graph: Graph, call: Call, dim: int) -> Tensor:
    """Return for each head whether its values are zero, so that its weights have no effect."""
    value = graph.channels_of(call.argument(2, "value"))
    if dim == -1 or value is None:
        return torch.tensor(False)
    return value.value == 0


def heads(graph: Graph, call: Call) -> bool:
    """Handle the function of ``nn.MultiheadAttention``: q, k, v, out and their biases by heads."""
    names = ("query", "key", "value", "embed_dim_to_check", "num_heads", "in_proj_weight")
    query, key, value, _, count, stacked = (call.argument(i, n) for i, n in enumerate(names))
    bias, extra_k, extra_v = (
        call.argument(i, n) for i, n in enumerate(("in_proj_bias", "bias_k", "bias_v"), 6)
    )
    out_weight, out_bias = call.argument(11, "out_proj_weight"), call.argument(12, "out_proj_bias")
    if stacked is None or extra_k is not None or extra_v is not None:
        return _pin_weights(graph, call)
    inner, feeding = graph.slot(stacked, 0), graph.slot(stacked, 1)
    rows = inner.view(3, count, -1)
    for row in rows.transpose(0, 1):
        graph.join(row.flatten()[1:], row.flatten()[:1].expand(row.numel() - 1))
    if bias is not None:
        graph.join(graph.slot(bias, 0), inner)
    back, out = graph.slot(out_weight, 1), graph.slot(out_weight, 0)
    graph.join(back, rows[0].flatten())
    if out_bias is not None:
        graph.join(graph.slot(out_bias, 0), out)
    positions = call.result[0].numel() // len(out)
    graph.add_layer(stacked, positions, inner)
    graph.add_layer(out_weight, positions, out)
    for tensor in (query, key, value):
        if channels := graph.channels_of(tensor):
            if channels.dim != -1:
                return False
            graph.join(channels.ids, feeding)
        else:
            graph.pin(feeding, "the layer reads a tensor that no layer computes")
    dead = (out_weight.detach() == 0).all(0).view(count, -1).all(1).cpu()
    graph.add_reader(rows[0, :, 0], dead)
    unread = (stacked.detach() == 0).all(0).cpu()
    graph.add_reader(feeding, unread)
    graph.set_channels(call.result[0], -1, out)
    return True


def _pin_weights(graph: Graph, call: Call) -> bool:
    """Handle projections of different inputs, whose widths stay as they are."""
    for tensor in call.tensors():
        if channels := graph.channels_of(tensor):
            graph.pin(channels.ids, "attention with inputs of different widths or added biases")
        if view := graph.view_of(tensor):
            graph.frozen.setdefault(view.name, "attention with inputs of different widths")
    return True
