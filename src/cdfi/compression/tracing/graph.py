"""The channel graph of a network: which channels are kept or removed together."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

Slot = tuple[str, int]  # a parameter or buffer by name, and a dimension of it


class Channels(NamedTuple):
    """The channels of one tensor.

    Attributes:
        dim: their dimension, from the end: -3 for (N, C, H, W).
        ids: int64 (C,), the channel at each index.
        value: (C,), the constant value of a channel for every input, NaN if it varies.
    """

    dim: int
    ids: Tensor
    value: Tensor


class LayerRun(NamedTuple):
    """One use of a layer: its weight multiplies values at this number of positions."""

    weight: str
    positions: int


class Graph:
    """Channels, and which of them must be kept or removed together.

    A channel is a number; :meth:`join` merges two of them. Every dimension of a parameter that
    corresponds to channels is a *slot*, with a channel for each index.

    Attributes:
        tensors: parameters and buffers by name.
        trained: names of the parameters.
        names: name of each parameter and buffer by its ``id``.
        slots: channels of every slot.
        pinned: channels that must be kept, and why.
        unsupported: operations without a rule, and the channels that they read.
        uses: channels that something reads, and whether each could be removed without effect.
        only_zero: channels that a reader skips only as long as they are zero.
        runs: uses of layers.
        outputs: layers and their out-channels.
        followed: results of operations that the trace has seen, by ``id``.
    """

    def __init__(self, model: nn.Module) -> None:
        named = (*model.named_parameters(), *model.named_buffers())
        self.tensors = {name: tensor.detach() for name, tensor in named}
        self.trained = frozenset(name for name, _ in model.named_parameters())
        self.names = {id(tensor): name for name, tensor in named}
        self.slots: dict[Slot, Tensor] = {}
        self.pinned: dict[int, str] = {}
        self.unsupported: list[tuple[str, Tensor]] = []
        self.uses: list[tuple[Tensor, Tensor]] = []
        self.only_zero: list[Tensor] = []
        self.runs: list[LayerRun] = []
        self.outputs: list[tuple[str, Tensor]] = []
        self.followed: dict[int, Tensor] = {}
        self._parent: list[int] = []
        # The tensors are referenced here because an id is unique among living objects only.
        self._known: dict[int, tuple[Tensor, Channels]] = {}

    def channels_of(self, tensor: object) -> Channels | None:
        """Return the channels of a tensor, or None if the trace does not know it."""
        return self._known[id(tensor)][1] if id(tensor) in self._known else None

    def set_channels(
        self, tensor: Tensor, dim: int, ids: Tensor, value: Tensor | None = None
    ) -> None:
        """Record the channels of ``tensor``; without ``value`` all of them vary."""
        dim = dim - tensor.dim() if dim >= 0 else dim
        value = torch.full((len(ids),), torch.nan) if value is None else value
        self._known[id(tensor)] = (tensor, Channels(dim, ids, value))

    def fresh(self, count: int) -> Tensor:
        """Return new channels."""
        first = len(self._parent)
        self._parent += range(first, first + count)
        return torch.arange(first, first + count)

    def slot(self, tensor: Tensor, dim: int) -> Tensor:
        """Return the channels along ``dim`` of a parameter or buffer."""
        key = (self.names[id(tensor)], dim)
        if key not in self.slots:
            self.slots[key] = self.fresh(tensor.shape[dim])
        return self.slots[key]

    def join(self, one: Tensor, other: Tensor) -> None:
        """Merge the channels at each position of two equally long vectors."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self._parent[self._root(a)] = self._root(b)

    def pin(self, ids: Tensor, reason: str) -> None:
        """Keep these channels in any case."""
        self.pinned.update((i, self.pinned.get(i, reason)) for i in ids.tolist())

    def add_reader(self, ids: Tensor, skippable: Tensor) -> None:
        """Record that something reads these channels; ``skippable`` ones have no effect on it."""
        self.uses.append((ids, skippable))

    def add_zero_reader(self, ids: Tensor, zero: Tensor) -> None:
        """Record that something reads these channels, and skips those that are zero."""
        self.add_reader(ids, zero)
        self.only_zero.append(ids)

    def add_layer(self, weight: Tensor, positions: int, out: Tensor) -> None:
        """Record that a layer multiplied its weight with values at this number of positions."""
        name = self.names[id(weight)]
        self.runs.append(LayerRun(name, positions))
        self.outputs.append((name.rpartition(".")[0], out))

    def roots(self, ids: Tensor) -> Tensor:
        """Return one number for all channels that were merged."""
        return torch.tensor([self._root(i) for i in ids.tolist()], dtype=torch.int64)

    def _root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i
