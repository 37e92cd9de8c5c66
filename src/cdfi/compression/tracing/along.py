"""Rules of operations along one dimension: sums, orders, transforms."""

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.elementwise import zeros
from cdfi.compression.tracing.graph import Graph


def along(graph: Graph, call: Call) -> bool:
    """Handle operations along one dimension other than the channels: sums, orders, transforms."""
    x, dim = call.args[0], call.dim((-2, -1) if call.name.endswith("2") else -1)
    known = [channels for tensor in call.tensors() if (channels := graph.channels_of(tensor))]
    if not known:
        return True
    place, ids = known[0].dim, known[0].ids
    if any(c.dim != place or len(c.ids) != len(ids) for c in known) or dim is None:
        return False
    if any(d % x.dim() == place + x.dim() for d in ([dim] if isinstance(dim, int) else dim)):
        return False
    for channels in known[1:]:
        graph.join(channels.ids, ids)
    own = graph.channels_of(x)
    zero = own.value == 0 if own else torch.tensor(False)
    for tensor in (leaf for leaf in pytree.tree_leaves(call.result) if isinstance(leaf, Tensor)):
        if tensor.dim() != x.dim() or tensor.shape[place] != len(ids):
            return False
        floating = tensor.is_floating_point() or tensor.is_complex()
        value = torch.where(zero & floating, 0.0, torch.full((len(ids),), torch.nan))
        graph.set_channels(tensor, place, ids, value)
    return True


def complex_pairs(graph: Graph, call: Call) -> bool:
    """Handle complex numbers as pairs of real ones, in a new last dimension, and back."""
    if channels := graph.channels_of(call.args[0]):
        if channels.dim == -1 and call.name == "view_as_complex":
            return False
        dim = channels.dim + (1 if call.name == "view_as_complex" else -1)
        graph.set_channels(call.result, dim, channels.ids, zeros(channels))
    return True
