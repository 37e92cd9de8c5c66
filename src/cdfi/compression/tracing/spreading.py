"""Channels that a view spreads over several dimensions: heads, groups, gates."""

import re

import torch
from torch import Tensor

from cdfi.compression.tracing.graph import Graph


def spread(
    graph: Graph, tensor: Tensor, numbers: Tensor, ids: Tensor, value: Tensor, varying: list[int]
) -> bool:
    """Record channels that vary along several dimensions of ``tensor``.

    One dimension can shrink; the channels at each index of it are merged: all channels of a head,
    or the k-th channels of all groups.

    Args:
        graph: the graph.
        tensor: the result of a view, or of another operation that moves values.
        numbers: for every value, the index of its channel in ``ids``; of size 1 along all
            dimensions but ``varying``.
        ids: the channels.
        value: their constants.
        varying: dimensions of ``tensor`` along which the numbers change.
    """
    dim = _shrinking(graph, tensor, varying)
    if len(graph.choices) < len(graph.forced) and graph.forced[len(graph.choices)] in varying:
        dim = graph.forced[len(graph.choices)]
    graph.choices.append(dim)
    rows = numbers.movedim(dim, 0).reshape(tensor.shape[dim], -1)
    for column in rows.T[1:]:
        graph.join(ids[column], ids[rows[:, 0]])
    constant = value[rows]
    same = (constant == constant[:, :1]).all(1)
    first = ids[rows[:, 0]]
    graph.set_channels(tensor, dim, first, torch.where(same, constant[:, 0], torch.nan))
    graph.add_sized(first)
    return True


def _shrinking(graph: Graph, tensor: Tensor, varying: list[int]) -> int:
    """Return the dimension that shrinks: heads if the module has a number of them, or the widest.

    A module with heads has an attribute such as ``num_heads`` of the size of the dimension.
    """
    heads = {
        value
        for module in graph.surrounding()
        for name, value in vars(module).items()
        if isinstance(value, int) and value > 1 and counts_heads(name)
    }
    found = [d for d in varying if tensor.shape[d] in heads]
    return found[0] if found else max(varying, key=lambda d: (tensor.shape[d], d))


def counts_heads(name: str) -> bool:
    """Return whether an attribute of this name is a number of heads, not the width of one."""
    return re.search(r"heads?(_|$)", name) is not None and not re.search(r"dim|size|width", name)
