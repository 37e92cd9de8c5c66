"""Which channels of a network belong together: what a trace of it writes down."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

Slot = tuple[str, int]  # a parameter or buffer by name, and a dimension of it


class Channels(NamedTuple):
    """What the channels of one tensor are."""

    dim: int  # the channels' dimension, from the end: -3 for (N, C, H, W)
    ids: Tensor  # int64 (C,): the channel each index carries
    value: Tensor  # (C,): the one value a channel has for every input, NaN where it varies


class LayerRun(NamedTuple):
    """One use of a layer: its weight multiplies values at this many positions."""

    weight: str
    positions: int


class Graph:
    """Channels, and which of them must stay or go together.

    A channel is a number; :meth:`join` makes two of them one. Every dimension of a parameter that
    runs over channels is a *slot*, with a channel for each index.
    """

    def __init__(self, model: nn.Module) -> None:
        named = (*model.named_parameters(), *model.named_buffers())
        self.tensors = {name: tensor.detach() for name, tensor in named}
        self.trained = frozenset(name for name, _ in model.named_parameters())
        self.names = {id(tensor): name for name, tensor in named}
        self.slots: dict[Slot, Tensor] = {}
        self.fixed: dict[int, str] = {}  # channel -> why it has to stay
        self.unsupported: list[tuple[str, Tensor]] = []  # operation without a rule, its channels
        self.uses: list[tuple[Tensor, Tensor]] = []  # channels, and whether each may go unnoticed
        self.runs: list[LayerRun] = []
        self.outputs: list[tuple[str, Tensor]] = []  # layer, its out-channels
        self._parent: list[int] = []
        # The tensors are kept: an id is only unique among living objects.
        self._known: dict[int, tuple[Tensor, Channels]] = {}

    def channels_of(self, tensor: object) -> Channels | None:
        """The channels of a tensor the trace knows."""
        return self._known[id(tensor)][1] if id(tensor) in self._known else None

    def set_channels(
        self, tensor: Tensor, dim: int, ids: Tensor, value: Tensor | None = None
    ) -> None:
        """Write down what the channels of ``tensor`` are; without ``value`` all of them vary."""
        dim = dim - tensor.dim() if dim >= 0 else dim
        value = torch.full((len(ids),), torch.nan) if value is None else value
        self._known[id(tensor)] = (tensor, Channels(dim, ids, value))

    def fresh(self, count: int) -> Tensor:
        """New channels, each by itself."""
        first = len(self._parent)
        self._parent += range(first, first + count)
        return torch.arange(first, first + count)

    def slot(self, tensor: Tensor, dim: int) -> Tensor:
        """The channels along ``dim`` of a parameter or buffer."""
        key = (self.names[id(tensor)], dim)
        if key not in self.slots:
            self.slots[key] = self.fresh(tensor.shape[dim])
        return self.slots[key]

    def join(self, one: Tensor, other: Tensor) -> None:
        """Let the channels at each position of two equally long vectors stay or go together."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self._parent[self._root(a)] = self._root(b)

    def pin(self, ids: Tensor, reason: str) -> None:
        """Keep these channels whatever happens."""
        self.fixed.update((i, self.fixed.get(i, reason)) for i in ids.tolist())

    def add_reader(self, ids: Tensor, unnoticed: Tensor) -> None:
        """Something reads these channels; where ``unnoticed``, it would not miss them."""
        self.uses.append((ids, unnoticed))

    def add_layer(self, weight: Tensor, positions: int, out: Tensor) -> None:
        """A layer multiplied its weight with values at this many positions."""
        name = self.names[id(weight)]
        self.runs.append(LayerRun(name, positions))
        self.outputs.append((name.rpartition(".")[0], out))

    def roots(self, ids: Tensor) -> Tensor:
        """One number for all channels that were joined."""
        return torch.tensor([self._root(i) for i in ids.tolist()], dtype=torch.int64)

    def _root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i
