"""The widths of a network: which channels share one, and how many units each keeps."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cdfi.compression.tracing.graph import Graph, Slot

#: The one width of layers that share it, from the widths that follow from their densities.
AGREE: dict[str, Callable[[list[int]], int]] = {
    "min": min,
    "max": max,
    "mean": lambda widths: sum(widths) // len(widths),
}


class Width(NamedTuple):
    """Channels that the same layers share: one number of the architecture.

    A unit is kept or removed as a whole: a channel, or several that were joined.

    Attributes:
        units: the channels, by their root.
        slots: the slots that hold them, and the number of indices of a unit in each.
        fixed: whether the width must not change.
    """

    units: list[int]
    slots: dict[Slot, int]
    fixed: bool


class WidthPlan:
    """The widths of a traced network, and its size at any choice of them.

    Args:
        graph: the trace.
        protected: names of layers, or of modules that contain them, whose outputs keep their width.

    Raises:
        ValueError: a name in ``protected`` that does not exist, or an operation without a rule
            that reads channels that are not protected.
    """

    def __init__(self, graph: Graph, protected: Sequence[str] = ()) -> None:
        for name in protected:
            protect(graph, name)
        for (name, _), ids in graph.slots.items():
            if name in graph.frozen:
                graph.pin(ids, f"{name!r} is {graph.frozen[name]}")
        self.graph = graph
        self.roots = {slot: graph.roots(ids).tolist() for slot, ids in graph.slots.items()}
        self._fixed = set(graph.roots(torch.tensor(list(graph.pinned), dtype=torch.int64)).tolist())
        self._fixed |= self._unread_units()
        _refuse_unfollowed(graph)
        self.widths = self._group()
        self._steps = self._channels_of_units()

    def is_fixed(self, ids: Tensor) -> bool:
        """Return whether none of these channels can be removed."""
        return set(self.graph.roots(ids).tolist()) <= self._fixed

    def can_lose_channels(self) -> tuple[str, ...]:
        """Return the layers of which some out-channels can be removed."""
        outs = self.graph.outputs
        return tuple(dict.fromkeys(name for name, ids in outs if not self.is_fixed(ids)))

    def full(self) -> list[int]:
        """Return the units of every width of the network as it is."""
        return [len(width.units) for width in self.widths]

    def wanted(
        self, densities: Mapping[str, float], rule: str, round_to: int = 1, factor: float = 1.0
    ) -> list[int]:
        """Return the units of every width that follow from the densities times ``factor``.

        A layer of density d gets ``floor(sqrt(d) * width)`` on both sides (CDFI, section 3.1); if
        layers that share a width differ, ``rule`` decides. No width falls below 1; ``round_to``
        rounds up to a multiple, in channels.
        """
        chosen = []
        for width in self.widths:
            full = len(width.units)
            wanted = [
                math.floor(math.sqrt(min(1.0, densities[layer] * factor)) * full)
                for name, _ in width.slots
                if (layer := self.graph.layer_of.get(name)) in densities and layer is not None
            ]
            chosen.append(full if width.fixed or not wanted else max(1, AGREE[rule](wanted)))
        return self.rounded(chosen, round_to)

    def rounded(self, units: Sequence[int], round_to: int) -> list[int]:
        """Return the units of every width, rounded up to a multiple of ``round_to`` channels."""
        rounded = []
        for width, count in zip(self.widths, units):
            step = self._step(width, round_to)
            rounded.append(min(len(width.units), math.ceil(count / step) * step))
        return rounded

    def can_shrink(self, width: Width) -> bool:
        """Return whether a width is not fixed, and a layer has it."""
        return not width.fixed and any(name in self.graph.layer_of for name, _ in width.slots)

    def _step(self, width: Width, round_to: int) -> int:
        """Return the units of which every layer's channels are a multiple of ``round_to``."""
        counts = self._steps.get(width.units[0], {1})
        return math.lcm(*(round_to // math.gcd(round_to, count) for count in counts))

    def _channels_of_units(self) -> dict[int, set[int]]:
        """Return for each unit its numbers of channels at the inputs and outputs of layers."""
        found: dict[int, set[int]] = defaultdict(set)
        for _, ids in (*self.graph.inputs, *self.graph.outputs):
            for root, count in Counter(self.graph.roots(ids).tolist()).items():
                found[root].add(count)
        return found

    def parameters(self, units: Sequence[int]) -> int:
        """Return the parameters of the network at these widths, biases and norms included."""
        sizes = self.sizes(units)
        return sum(sizes[name] for name in self.graph.trained)

    def flops(self, units: Sequence[int]) -> int:
        """Return the operations of one run on the example: 2 for each multiply-add."""
        sizes = self.sizes(units)
        return sum(2 * run.positions * sizes[run.weight] for run in self.graph.runs)

    def counts(self, units: Sequence[int]) -> Counter[Slot]:
        """Return the number of indices that every slot keeps at these widths."""
        kept: Counter[Slot] = Counter()
        for width, count in zip(self.widths, units):
            for slot, indices in width.slots.items():
                kept[slot] += indices * count
        return kept

    def sizes(self, units: Sequence[int]) -> dict[str, int]:
        """Return the number of values of every parameter and buffer at these widths."""
        kept = self.counts(units)
        return {
            name: math.prod(kept.get((name, d), size) for d, size in enumerate(tensor.shape))
            for name, tensor in self.graph.tensors.items()
        }

    def out_channels(self, units: Sequence[int]) -> dict[str, tuple[int, int]]:
        """Return the out-channels of every layer, of the network as it is and at these widths."""
        kept = {
            root: count / len(width.units)
            for width, count in zip(self.widths, units)
            for root in width.units
        }
        found = {}
        for name, ids in self.graph.outputs:
            roots = self.graph.roots(ids).tolist()
            found[name] = (len(roots), round(sum(kept.get(root, 1.0) for root in roots)))
        return found

    def reasons(self) -> dict[str, str]:
        """Return the layers whose out-channels are all kept in any case, and why."""
        ids = torch.tensor(list(self.graph.pinned), dtype=torch.int64)
        why = dict(zip(self.graph.roots(ids).tolist(), self.graph.pinned.values()))
        found = {}
        for name, out in self.graph.outputs:
            roots = self.graph.roots(out).tolist()
            if set(roots) <= self._fixed:
                found[name] = why[roots[0]]
        return found

    def largest(self, units: Sequence[int], importance: Mapping[int, float]) -> dict[Slot, Tensor]:
        """Return for every slot the indices of the most important units of each width.

        Args:
            units: the number of units that each width keeps.
            importance: of every unit; see :data:`cdfi.compression.importance.IMPORTANCE`.
        """
        kept: set[int] = set()
        for width, count in zip(self.widths, units):
            kept.update(sorted(width.units, key=lambda unit: -importance.get(unit, 0.0))[:count])
        return self.indices(kept)

    def indices(self, kept: set[int]) -> dict[Slot, Tensor]:
        """Return for every slot the indices of these units."""
        return {
            slot: torch.tensor([i for i, root in enumerate(roots) if root in kept])
            for slot, roots in self.roots.items()
        }

    def live_units(self) -> set[int]:
        """Return the units that the output depends on: all but exact zeros and unread ones."""
        live = self._read_units()
        for width in self.widths:
            if width.fixed:
                live.update(width.units)
            elif live.isdisjoint(width.units):
                live.add(width.units[0])  # a layer of width 0 cannot be built
        return live

    def dead_units(self) -> set[int]:
        """Return the units that can be removed or changed without an effect on the output."""
        free = {unit for width in self.widths if not width.fixed for unit in width.units}
        return free - self._read_units()

    def regrowable_units(self) -> set[int]:
        """Return the dead units that can have any value: not those that must stay zero."""
        zeros = [self.graph.roots(ids).tolist() for ids in self.graph.only_zero]
        return self.dead_units().difference(*zeros)

    def _read_units(self) -> set[int]:
        return {
            root
            for ids, unnoticed in self.graph.uses
            for root, skippable in zip(self.graph.roots(ids).tolist(), unnoticed.tolist())
            if not skippable
        }

    def _unread_units(self) -> set[int]:
        """Return the units of parameters that no operation reads, as far as the trace knows."""
        read = {root for ids, _ in self.graph.uses for root in self.graph.roots(ids).tolist()}
        return {root for roots in self.roots.values() for root in roots} - read

    def _group(self) -> list[Width]:
        """Group the units that occur in the same slots."""
        slots_of: dict[int, Counter[Slot]] = defaultdict(Counter)
        for slot, roots in self.roots.items():
            for root in roots:
                slots_of[root][slot] += 1
        groups: dict[object, list[int]] = defaultdict(list)
        for root, slots in slots_of.items():
            groups[frozenset(slots.items()), root in self._fixed].append(root)
        return [
            Width(units, dict(slots_of[units[0]]), units[0] in self._fixed)
            for units in groups.values()
        ]


def unfollowed(graph: Graph) -> dict[str, str]:
    """Return the layers whose channels the trace loses, and the operation that reads them.

    It comes with its line of code; it is empty if nothing that the trace has seen reads the layer.
    """
    fixed = set(graph.roots(torch.tensor(list(graph.pinned), dtype=torch.int64)).tolist())
    read = fixed.union(*(graph.roots(ids).tolist() for ids, _ in graph.uses))
    outputs = {name: set(graph.roots(ids).tolist()) for name, ids in graph.outputs}
    found: dict[str, str] = {}
    for operation, place, ids in graph.unsupported:
        loose = set(graph.roots(ids).tolist()) - fixed
        found |= {name: f"{operation!r} at {place}" for name, own in outputs.items() if own & loose}
        read |= loose
    return found | {name: "" for name, own in outputs.items() if not own & read}


def _refuse_unfollowed(graph: Graph) -> None:
    """Raise ValueError for all layers whose channels the trace loses, at once."""
    found = unfollowed(graph)
    if not found:
        return
    by_operation: dict[str, list[str]] = defaultdict(list)
    for layer, operation in found.items():
        by_operation[operation].append(repr(layer))
    reasons = [
        f"the channels of {', '.join(layers)} go into {operation}"
        if operation
        else f"nothing that the trace sees reads the output of {', '.join(layers)} "
        "(torch.jit.script, numpy and custom autograd functions are not seen)"
        for operation, layers in by_operation.items()
    ]
    raise ValueError(
        f"{'; '.join(reasons)}: they cannot be matched with the channels of other layers. Pass "
        f'protected={tuple(sorted(found))!r} or on_unknown="protect" to keep their widths, or a '
        "rule for the operation in extra={...}"
    )


def protect(graph: Graph, name: str) -> None:
    """Fix the out-channels of a layer, or of all layers under a module."""
    names = {layer: [layer] for layer, _ in graph.outputs}
    for other, layer in graph.shared.items():
        names.get(layer, []).append(other)
    named = {
        own for own, all_ in names.items() if any(f"{n}.".startswith(f"{name}.") for n in all_)
    }
    outs = [ids for layer, ids in graph.outputs if layer in named]
    if not outs:
        raise ValueError(f"protected names {name!r}, but no layer that runs has this name")
    for ids in outs:
        graph.pin(ids, f"{name} is protected")
