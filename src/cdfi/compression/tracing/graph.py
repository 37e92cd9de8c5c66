"""The channel graph of a network: which channels are kept or removed together."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cdfi.compression.tracing.caller import line_of_call
from cdfi.compression.tracing.layers import layer_name, shared_layers

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


class View(NamedTuple):
    """A tensor computed from one parameter by moving values, such as ``gamma.view(1, -1, 1, 1)``.

    Attributes:
        name: the parameter.
        indices: for each of its dimensions, the index along it of every value of the view. A size
            of 1 stands for a dimension of the view along which the index does not change.
    """

    name: str
    indices: tuple[Tensor, ...]


class Sized(NamedTuple):
    """A dimension whose size may be a number that the code of a module holds.

    Attributes:
        module: path of the module whose code has run.
        ids: the channels along the dimension, one for each index.
    """

    module: str
    ids: Tensor


class Unfollowed(NamedTuple):
    """An operation without a rule.

    Attributes:
        operation: its name.
        place: the module and the line of code that have called it.
        ids: the channels that it reads.
    """

    operation: str
    place: str
    ids: Tensor


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
        shared: for a layer whose weight is that of another one, the other.
        slots: channels of every slot.
        pinned: channels that must be kept, and why.
        unsupported: operations without a rule.
        uses: channels that something reads, and whether each could be removed without effect.
        only_zero: channels that a reader skips only as long as they are zero.
        runs: uses of layers.
        outputs: layers and their out-channels.
        inputs: layers and their in-channels.
        layer_of: the layer that each weight matrix belongs to.
        followed: results of operations that the trace has seen, by ``id``.
        mixed: dimensions of parameters along which values are combined before a layer uses them.
        frozen: parameters that must keep their shape, and why.
        running: paths of the modules that run, the innermost last.
        tracing: whether the model runs now.
        touched: channels that the code of each module reads or computes, by its path.
        sized: dimensions whose size may be a number in the code.
        blank: tensors of zeros or another constant that the code makes, and in which module.
        modules: the modules by path.
        choices: which of several dimensions may shrink, for every view that spreads channels.
        forced: the choices of an earlier trace, which this one follows.
    """

    def __init__(self, model: nn.Module) -> None:
        named = (*model.named_parameters(), *model.named_buffers())
        self.tensors = {name: tensor.detach() for name, tensor in named}
        self.trained = frozenset(name for name, _ in model.named_parameters())
        self.names = {id(tensor): name for name, tensor in named}
        self.shared = shared_layers(model, self.names)
        self.slots: dict[Slot, Tensor] = {}
        self.pinned: dict[int, str] = {}
        self.unsupported: list[Unfollowed] = []
        self.uses: list[tuple[Tensor, Tensor]] = []
        self.only_zero: list[Tensor] = []
        self.runs: list[LayerRun] = []
        self.outputs: list[tuple[str, Tensor]] = []
        self.inputs: list[tuple[str, Tensor]] = []
        self.layer_of: dict[str, str] = {}
        self.mixed: dict[str, set[int]] = defaultdict(set)
        self.frozen: dict[str, str] = {}
        self.running: list[str] = [""]
        self.tracing = False
        self.touched: dict[str, list[Tensor]] = defaultdict(list)
        self.sized: list[Sized] = []
        self.blank: dict[int, tuple[Tensor, str]] = {}
        self.followed: dict[int, Tensor] = {}
        self.choices: list[int] = []
        self.forced: Sequence[int] = ()
        self.modules = dict(model.named_modules())
        self._parent: list[int] = []
        self._flat: Tensor | None = None  # the root of every channel, until the next join
        # The tensors are referenced here because an id is unique among living objects only.
        self._known: dict[int, tuple[Tensor, Channels]] = {}
        self._views: dict[int, tuple[Tensor, View]] = {}

    def is_parameter(self, tensor: object) -> bool:
        """Return whether a tensor is a parameter or buffer, or has the same values in its shape."""
        return id(tensor) in self.names

    def add_alias(self, tensor: Tensor, name: str) -> None:
        """Record that ``tensor`` takes the place of a parameter of the same shape."""
        self.names[id(tensor)] = name
        self.followed[id(tensor)] = tensor

    def view_of(self, tensor: object) -> View | None:
        """Return a parameter or a view of one as a view, or None for other tensors."""
        if id(tensor) in self._views:
            return self._views[id(tensor)][1]
        if not isinstance(tensor, Tensor) or id(tensor) not in self.names:
            return None
        rank = tensor.dim()
        indices = (
            torch.arange(size).view([-1 if k == d else 1 for k in range(rank)])
            for d, size in enumerate(tensor.shape)
        )
        return View(self.names[id(tensor)], tuple(indices))

    def set_view(self, tensor: Tensor, view: View) -> None:
        """Record that ``tensor`` is a view of a parameter."""
        self._views[id(tensor)] = (tensor, view)

    def along(self, tensor: Tensor, dim: int) -> Tensor | None:
        """Return the channels of a parameter, or of a view of one, along ``dim``.

        None stands for a tensor that is neither, or a dimension that joins several of a parameter.
        """
        view = self.view_of(tensor)
        if view is None:
            return None
        dim %= tensor.dim()
        found = [k for k, index in enumerate(view.indices) if index.shape[dim] > 1]
        if len(found) > 1:  # flattened: channels are the first two dimensions of a weight
            found = [k for k in found if k < 2]
        if len(found) != 1 or view.indices[found[0]].numel() != tensor.shape[dim]:
            return None
        return self.named_slot(view.name, found[0])[view.indices[found[0]].flatten()]

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

    def changed_in_place(self, tensor: Tensor, followed: bool) -> None:
        """Record that an operation has changed ``tensor`` and all that share its memory.

        Constants stay only where they are those of the tensor, and nowhere if the operation was not
        ``followed``. Constant tensors that the code makes are no longer blank.
        """
        own = self.channels_of(tensor) if followed else None
        values = dict(zip(own.ids.tolist(), own.value.tolist())) if own else {}
        memory = tensor.untyped_storage().data_ptr()
        for key, (blank, _) in list(self.blank.items()):
            if blank.untyped_storage().data_ptr() == memory:
                del self.blank[key]
        for key, (other, known) in list(self._known.items()):
            if other.untyped_storage().data_ptr() == memory and not (own and other is tensor):
                pairs = zip(known.ids.tolist(), known.value.tolist())
                found = [values.get(i, v) if own else torch.nan for i, v in pairs]
                value = torch.where(known.value == torch.tensor(found), known.value, torch.nan)
                self._known[key] = (other, known._replace(value=value))

    def fresh(self, count: int) -> Tensor:
        """Return new channels."""
        first = len(self._parent)
        self._parent += range(first, first + count)
        self._flat = None
        return torch.arange(first, first + count)

    def slot(self, tensor: Tensor, dim: int) -> Tensor:
        """Return the channels along ``dim`` of a parameter or buffer."""
        return self.named_slot(self.names[id(tensor)], dim)

    def named_slot(self, name: str, dim: int) -> Tensor:
        """Return the channels along ``dim`` of the parameter or buffer of this name."""
        if (name, dim) not in self.slots:
            self.slots[name, dim] = self.fresh(self.tensors[name].shape[dim])
        return self.slots[name, dim]

    def join(self, one: Tensor, other: Tensor) -> None:
        """Merge the channels at each position of two equally long vectors."""
        self._flat = None
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self._parent[self._root(a)] = self._root(b)

    def pin(self, ids: Tensor, reason: str) -> None:
        """Keep these channels in any case; the line of code is added to the reason."""
        if self.tracing and len(ids):
            reason = f"{reason} ({line_of_call()})"
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
        layer = layer_name(name)
        self.layer_of[name] = layer
        self.runs.append(LayerRun(name, positions))
        self.outputs.append((layer, out))

    def place(self) -> str:
        """Return the module that runs and the line of code that has called into torch."""
        module = f" in {self.running[-1]!r}" if self.running[-1] else ""
        return f"{line_of_call()}{module}"

    def surrounding(self) -> list[nn.Module]:
        """Return the module that runs and the two around it."""
        path = self.running[-1]
        paths = [path, path.rpartition(".")[0], path.rpartition(".")[0].rpartition(".")[0]]
        return [self.modules[path] for path in paths if path in self.modules]

    def add_sized(self, ids: Tensor) -> None:
        """Record that the code of the running module may hold the number of these channels."""
        self.sized.append(Sized(self.running[-1], ids))

    def claim_blank(self, tensor: Tensor, ids: Tensor) -> bool:
        """Record that a constant tensor has these channels; return False for other tensors."""
        if id(tensor) not in self.blank:
            return False
        self.sized.append(Sized(self.blank[id(tensor)][1], ids))
        return True

    def roots(self, ids: Tensor) -> Tensor:
        """Return one number for all channels that were merged."""
        if self._flat is None:
            flat = torch.tensor(self._parent, dtype=torch.int64)
            while not torch.equal(flat, above := flat[flat]):
                flat = above
            self._flat = flat
        return self._flat[ids]

    def _root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i
