"""Rules of operations that move values without changing them."""

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.graph import Channels, Graph
from cdfi.compression.tracing.spreading import spread


def rearrange(graph: Graph, call: Call) -> bool:
    """Run the function on channel numbers to see where it moves them.

    If only some of a tensor's channels come out, a number in the code has selected them, and all
    channels up to the last of them are pinned.
    """
    ids, value, starts = _all_channels(graph, call)
    if not starts:
        return True

    def numbers(leaf: object) -> object:
        channels = graph.channels_of(leaf)
        if channels is None or not isinstance(leaf, Tensor) or id(leaf) not in starts:
            return leaf
        shape = [1] * leaf.dim()
        shape[channels.dim] = -1
        own = torch.arange(len(channels.ids), device=leaf.device) + starts[id(leaf)]
        return own.view(shape).expand(leaf.shape)

    args, kwargs = pytree.tree_map(numbers, (call.args, call.kwargs))
    try:
        moved = pytree.tree_leaves(call.func(*args, **kwargs))
    except RuntimeError:  # a view that only this memory layout allows
        moved = pytree.tree_leaves(args[0].reshape(*args[1:])) if call.name == "view" else []
    results = pytree.tree_leaves(call.result)
    return len(moved) == len(results) and all(
        _record(graph, tensor, numbers.cpu(), ids, value) for tensor, numbers in zip(results, moved)
    )


def _all_channels(graph: Graph, call: Call) -> tuple[Tensor, Tensor, dict[int, int]]:
    """Return channels and constants of all arguments, and the start of each tensor's.

    Of ``x.view_as(y)`` and its like, ``y`` gives a shape only.
    """
    starts: dict[int, int] = {}
    known: list[Channels] = []
    for tensor in call.tensors()[:1] if call.name.endswith("_as") else call.tensors():
        channels = graph.channels_of(tensor)
        if channels and id(tensor) not in starts:
            starts[id(tensor)] = sum(len(c.ids) for c in known)
            known.append(channels)
    if not known:
        return torch.empty(0, dtype=torch.int64), torch.empty(0), starts
    return torch.cat([c.ids for c in known]), torch.cat([c.value.cpu() for c in known]), starts


def _record(graph: Graph, tensor: Tensor, numbers: Tensor, ids: Tensor, value: Tensor) -> bool:
    """Record the channels of ``tensor``; ``numbers`` are their indices in ``ids``."""
    varying = []
    for d in range(numbers.dim()):
        first = numbers.narrow(d, 0, 1)
        if torch.equal(numbers, first.expand(numbers.shape)):
            numbers = first  # smaller for all that follows
        else:
            varying.append(d)
    seen = torch.unique(numbers)
    if len(seen) < len(ids):
        graph.pin(ids[: int(seen.max()) + 1], "selected by a number in the code")
    if len(varying) > 1:
        return spread(graph, tensor, numbers, ids, value, varying)
    if varying:
        along = numbers.flatten()
        graph.set_channels(tensor, varying[0], ids[along], value[along])
        graph.add_sized(ids[along])
    else:  # a single channel: its dimension is ambiguous
        graph.pin(ids[seen], "a single channel selected by the code")
    return True


def join_lists(graph: Graph, call: Call) -> bool:
    """Handle ``cat`` and ``stack``; channels that no layer computes are pinned."""
    parts = call.argument(0, "tensors")
    known = [channels for part in parts if (channels := graph.channels_of(part))]
    dim = call.argument(1, "dim", 0)
    dim = dim - parts[0].dim() if dim >= 0 else dim
    if call.name != "stack" and known and dim != known[0].dim:
        return _join_beside(graph, call, known)
    for part in parts if known else ():
        if graph.channels_of(part) is None and part.dim() >= -known[0].dim:
            own = graph.fresh(part.shape[known[0].dim])
            if not graph.claim_blank(part, own):
                graph.pin(own, "computed by no layer")
            graph.set_channels(part, known[0].dim, own)
    return rearrange(graph, call)


def _join_beside(graph: Graph, call: Call, known: list[Channels]) -> bool:
    """Handle a ``cat`` along another dimension than the channels, such as that of tokens."""
    dim, ids, value = known[0].dim, known[0].ids, known[0].value
    for part in call.argument(0, "tensors"):
        channels = graph.channels_of(part)
        if channels is None:
            own = graph.along(part, dim) if part.dim() >= -dim else None
            if own is not None and len(own) == len(ids):
                graph.join(own, ids)
            elif not graph.claim_blank(part, ids):
                graph.pin(ids, "concatenated with a tensor that no layer computes")
            value = torch.full_like(value, torch.nan)
        elif channels.dim != dim or len(channels.ids) != len(ids):
            return False
        else:
            graph.join(channels.ids, ids)
            value = torch.where(channels.value == value, value, torch.nan)
    graph.set_channels(call.result, dim, ids, value)
    return True


def chunk(graph: Graph, call: Call) -> bool:
    """Handle ``chunk``: parts stay equally wide, their k-th channels are merged."""
    x, parts = call.args[0], call.argument(1, "chunks")
    channels, dim = graph.channels_of(x), call.argument(2, "dim", 0)
    if channels is None or dim % x.dim() != channels.dim + x.dim():
        return rearrange(graph, call)
    if len(channels.ids) % parts:
        return False
    columns = channels.ids.view(parts, -1)
    for column in columns[1:]:
        graph.join(column, columns[0])
    return split_by_width(graph, call)


def glu(graph: Graph, call: Call) -> bool:
    """Handle a gated linear unit: the k-th channels of both halves are merged."""
    x, dim = call.args[0], call.argument(1, "dim", -1)
    channels = graph.channels_of(x)
    if channels is None:
        return True
    if dim % x.dim() != channels.dim + x.dim():
        graph.set_channels(call.result, channels.dim, channels.ids)
        return True
    values, gates = channels.ids.chunk(2)
    graph.join(gates, values)
    constant = channels.value[: len(values)]
    zero = torch.where(constant == 0, 0.0, torch.nan)
    graph.set_channels(call.result, channels.dim, values, zero)
    return True


def channel_shuffle(graph: Graph, call: Call) -> bool:
    """Handle a channel shuffle: groups stay equally wide, their k-th channels are merged."""
    channels, groups = graph.channels_of(call.args[0]), call.argument(1, "groups")
    if channels is not None and len(channels.ids) % groups == 0:
        rows = channels.ids.view(groups, -1)
        for row in rows[1:]:
            graph.join(row, rows[0])
    return rearrange(graph, call)


def split(graph: Graph, call: Call) -> bool:
    """Handle a split by sizes, which the code may hold; parts of one size stay equally wide."""
    x, sizes = call.args[0], call.argument(1, "split_size_or_sections")
    channels, dim = graph.channels_of(x), call.argument(2, "dim", 0)
    if channels is None or dim % x.dim() != channels.dim + x.dim():
        return rearrange(graph, call)
    if isinstance(sizes, int):
        rows = torch.split(channels.ids, sizes)
        if len(rows[-1]) != sizes:
            return False
        for row in rows[1:]:
            graph.join(row, rows[0])
    split_by_width(graph, call)
    for part in call.result:
        known = graph.channels_of(part)
        assert known is not None
        graph.add_sized(known.ids)
    return True


def unfold(graph: Graph, call: Call) -> bool:
    """Handle windows: ``x.unfold(dim, size, step)`` and ``F.unfold(x, kernel)``."""
    if "dimension" in call.kwargs or len(call.args) == 4:
        return rearrange(graph, call)
    x = call.args[0]
    channels = graph.channels_of(x)
    if channels is None or channels.dim != -3:
        return channels is None
    taps = call.result.shape[-2] // len(channels.ids)
    ids = channels.ids.repeat_interleave(taps)
    graph.set_channels(call.result, -2, ids)
    return True


def fold(graph: Graph, call: Call) -> bool:
    """Handle ``F.fold(x, size, kernel)``: the taps of a channel become one plane."""
    channels = graph.channels_of(call.args[0])
    if channels is None or channels.dim != -2:
        return channels is None
    rows = channels.ids.view(call.result.shape[-3], -1)
    for column in rows.T[1:]:
        graph.join(column, rows[:, 0])
    zero = (channels.value.view(rows.shape) == 0).all(1)
    graph.set_channels(call.result, -3, rows[:, 0], torch.where(zero, 0.0, torch.nan))
    return True


def split_by_width(graph: Graph, call: Call) -> bool:
    """Handle a split whose sizes follow the widths of the network, not numbers in its code."""
    x = call.args[0]
    channels = graph.channels_of(x)
    if channels is None:
        return True
    sizes = [part.shape[channels.dim] for part in call.result]
    for part, ids, value in zip(
        call.result, torch.split(channels.ids, sizes), torch.split(channels.value, sizes)
    ):
        graph.set_channels(part, channels.dim, ids, value)
    return True


def pixel_shuffle(graph: Graph, call: Call) -> bool:
    """Merge the r * r channels that become one plane."""
    channels, factor = graph.channels_of(call.args[0]), call.argument(1, "upscale_factor")
    if channels is None:
        return True
    ids, value = (t.view(-1, factor * factor) for t in (channels.ids, channels.value))
    for column in ids.T[1:]:
        graph.join(column, ids[:, 0])
    same = (value == value[:, :1]).all(1)
    graph.set_channels(call.result, -3, ids[:, 0], torch.where(same, value[:, 0], torch.nan))
    return True


def pixel_unshuffle(graph: Graph, call: Call) -> bool:
    """Repeat each channel r * r times."""
    channels, factor = graph.channels_of(call.args[0]), call.argument(1, "downscale_factor")
    if channels is not None:
        ids, value = (t.repeat_interleave(factor * factor) for t in (channels.ids, channels.value))
        graph.set_channels(call.result, -3, ids, value)
    return True
