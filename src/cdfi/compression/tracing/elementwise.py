"""Rules of operations that treat every value, plane or group of values alike."""

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.graph import Channels, Graph

#: What stands for a value that varies: of both signs, from very small to very large.
_VALUES = (
    0.0,
    *(sign * size for size in (1e-3, 0.1, 0.7, 2.0, 30.0, 1e3, 1e6) for sign in (1, -1)),
)
_ROWS = 24  # of values for everything that varies


def pointwise(graph: Graph, call: Call) -> bool:
    """Merge channels at the same index; constants are computed by the function itself."""
    known = [channels for tensor in call.tensors() if (channels := graph.channels_of(tensor))]
    if not known:
        return True
    dim, result = known[0].dim, call.result
    if any(channels.dim != dim for channels in known) or result.dim() < -dim:
        return False
    width = result.shape[dim]
    full = [channels.ids for channels in known if len(channels.ids) == width]
    for channels in known:
        if len(channels.ids) < width:
            graph.pin(channels.ids, "one channel that is broadcast")
    if not full:
        return True
    for ids in full[1:]:
        graph.join(ids, full[0])
    if width > 1:
        for tensor in call.tensors():
            _join_parameter(graph, tensor, full[0], dim)
    graph.set_channels(result, dim, full[0], _constants(graph, call, dim, width))
    return True


def _join_parameter(graph: Graph, tensor: Tensor, ids: Tensor, dim: int) -> None:
    """Merge a parameter with the channels it scales; pin channels that meet another tensor."""
    if graph.channels_of(tensor) or tensor.dim() < -dim or tensor.shape[dim] != len(ids):
        return
    if graph.claim_blank(tensor, ids):
        return
    own = graph.along(tensor, dim)
    if own is not None:
        graph.join(own, ids)
        return
    if view := graph.view_of(tensor):
        graph.frozen[view.name] = "combined with channels in a form without a rule"
    graph.pin(ids, "combined with a tensor that no layer computes")


def _constants(graph: Graph, call: Call, dim: int, width: int) -> Tensor:
    """Return the constants of the result, NaN for channels that vary; complex ones count as such.

    The function is evaluated once on rows of other values for everything that varies. A channel
    whose result is the same in all rows is a constant.
    """
    generator = torch.Generator().manual_seed(0)
    if any(tensor.is_complex() for tensor in (call.result, *call.tensors())):
        return torch.full((width,), torch.nan)

    def stand_in(leaf: object) -> object:
        if not isinstance(leaf, Tensor):
            return leaf
        if channels := graph.channels_of(leaf):
            filled = _filled(channels.value.expand(_ROWS, width), generator)
            return filled != 0 if leaf.dtype == torch.bool else filled
        if graph.view_of(leaf) and leaf.numel() in (1, width):
            return leaf.detach().float().cpu().flatten().clone()
        return _filled(torch.full((_ROWS, width), torch.nan), generator)

    args, kwargs = pytree.tree_map(stand_in, (call.args, call.kwargs))
    try:
        values = call.func(*args, **kwargs).float().cpu().expand(_ROWS, width)
    except (RuntimeError, TypeError, AttributeError):  # it does not work on vectors
        return torch.full((width,), torch.nan)
    constant = (values == values[0]).all(0) & torch.isfinite(values).all(0)
    return torch.where(constant, values[0], torch.nan)


def _filled(value: Tensor, generator: torch.Generator) -> Tensor:
    """Return a copy with random values of very different sizes in place of NaN."""
    chosen = torch.randint(len(_VALUES), value.shape, generator=generator)
    return torch.where(torch.isnan(value), torch.tensor(_VALUES)[chosen], value.float())


def like(graph: Graph, call: Call) -> bool:
    """Handle ``zeros_like`` and similar: the result has the channels of the argument."""
    if channels := graph.channels_of(call.args[0]):
        constant = {"zeros_like": 0.0, "ones_like": 1.0}.get(call.name, torch.nan)
        value = torch.full_like(channels.value, constant)
        graph.set_channels(call.result, channels.dim, channels.ids, value)
    return True


def over_space(graph: Graph, call: Call) -> bool:
    """Handle resizing, pooling and padding of planes: zero stays zero."""
    x = call.args[0]
    channels = graph.channels_of(x)
    if channels is None:
        return True
    planes = channels.dim + x.dim() == 1 or channels.dim == -3
    if call.name == "pad" and call.result.shape[channels.dim] != x.shape[channels.dim]:
        return _with_constant_channels(graph, call, channels)
    if not planes and call.name != "pad":
        return False
    filled = call.name == "pad" and (call.argument(3, "value") or 0) != 0
    for tensor in (leaf for leaf in pytree.tree_leaves(call.result) if isinstance(leaf, Tensor)):
        if tensor.dim() != x.dim() or tensor.shape[channels.dim] != len(channels.ids):
            return False
        graph.set_channels(tensor, channels.dim, channels.ids, None if filled else zeros(channels))
    return True


def _with_constant_channels(graph: Graph, call: Call, channels: Channels) -> bool:
    """Handle a padding that adds channels of a constant; the number of them is fixed."""
    start = -2 * channels.dim - 2
    sizes = call.argument(1, "pad")[start : start + 2]
    if call.argument(2, "mode", "constant") != "constant" or min(sizes) < 0:
        return False
    added = [graph.fresh(size) for size in sizes]
    for ids in added:
        graph.pin(ids, "constant channels that the code adds")
    constant = float(call.argument(3, "value") or 0)
    values = [torch.full((size,), constant) for size in sizes]
    ids = torch.cat([added[0], channels.ids, added[1]])
    value = torch.cat([values[0], zeros(channels), values[1]])
    graph.set_channels(call.result, channels.dim, ids, value)
    return True


def zeros(channels: Channels) -> Tensor:
    """Return the constants that are zero; the others count as varying."""
    return torch.where(channels.value == 0, 0.0, torch.nan)


def reduction(graph: Graph, call: Call) -> bool:
    """Handle reductions: over channels, zeros can be skipped in a sum only."""
    if isinstance(call.argument(1, "other"), Tensor):
        return pointwise(graph, call)
    x, dims = call.args[0], call.dim()
    channels = graph.channels_of(x)
    if channels is None:
        return True
    every = range(-x.dim(), 0)
    wanted = every if dims is None else [dims] if isinstance(dims, int) else dims
    reduced = {d - x.dim() if d >= 0 else d for d in wanted}
    if channels.dim in reduced:
        graph.add_zero_reader(channels.ids, (channels.value == 0) & (call.name == "sum"))
        return True
    gone = sum(d > channels.dim for d in reduced)
    value = None if call.name in ("argmax", "argmin", "logsumexp") else zeros(channels)
    for tensor in (leaf for leaf in pytree.tree_leaves(call.result) if isinstance(leaf, Tensor)):
        dim = channels.dim + (0 if tensor.dim() == x.dim() else gone)
        graph.set_channels(tensor, dim, channels.ids, value)
    return True


def softmax(graph: Graph, call: Call) -> bool:
    """Pin channels under a softmax over them: they have a fixed meaning (taps, classes)."""
    x, dim = call.args[0], call.argument(1, "dim")
    if channels := graph.channels_of(x):
        if dim is None or dim % x.dim() == channels.dim + x.dim():
            graph.pin(channels.ids, "a softmax over the channels")
        graph.set_channels(call.result, channels.dim, channels.ids)
    return True


def normalised(graph: Graph, call: Call) -> bool:
    """Handle the division by a norm: zero stays zero, and adds nothing to the norm."""
    if channels := graph.channels_of(call.args[0]):
        graph.only_zero.append(channels.ids)
        graph.set_channels(call.result, channels.dim, channels.ids, zeros(channels))
    return True


def sample(graph: Graph, call: Call) -> bool:
    """Handle ``grid_sample``: pin the coordinates of the grid, pass the channels of the input."""
    x, grid = call.args[0], call.argument(1, "grid")
    if coordinates := graph.channels_of(grid):
        graph.pin(coordinates.ids, "coordinates of a grid")
    if channels := graph.channels_of(x):
        graph.set_channels(call.result, channels.dim, channels.ids, zeros(channels))
    return True


def setitem(graph: Graph, call: Call) -> bool:
    """Handle ``x[index] = value``, where the index selects along other dimensions."""
    x, index, value = call.args
    known = graph.channels_of(x), graph.channels_of(value)
    found = known[0] or known[1]
    if found is None:
        return True
    full = (
        x.dim() >= -found.dim
        and not isinstance(index, Tensor)
        and x[index].dim() >= -found.dim
        and x[index].shape[found.dim] == x.shape[found.dim] == len(found.ids)
    )
    same = all(c is None or (c.dim == found.dim and len(c.ids) == len(found.ids)) for c in known)
    if not full or not same:
        return False
    if known[0] and known[1]:
        graph.join(known[0].ids, known[1].ids)
    elif known[0] and isinstance(value, Tensor) and value.numel() > 1:
        graph.pin(found.ids, "combined with a tensor that no layer computes")
    graph.set_channels(x, found.dim, found.ids)
    return True
