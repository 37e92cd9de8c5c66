"""Numbers that modules hold as attributes, and the values they take when the network shrinks."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations, product

from cdfi.compression.shrink import whole_numbers
from cdfi.compression.tracing.graph import Graph

Attribute = tuple[str, str]  # the path of a module, and a name
Kind = tuple[object, str]  # the class of a module, or its place in others, and a name
Pick = Mapping[Kind, int]  # index of the value that all attributes of a kind take


def chosen(pick: Pick, kind: type, path: str, name: str, values: list[object]) -> object:
    """Return the value of an attribute: that of its place, else that of its class."""
    number = pick.get((_place(path), name), pick.get((kind, name), 0))
    return values[min(number, len(values) - 1)]


def _place(path: str) -> str:
    """Return the path of a module without numbers: blocks of a network are alike."""
    return re.sub(r"\d+", "*", path)


def options_of(graph: Graph, units: set[int]) -> dict[Attribute, list[object]]:
    """Return attributes that hold a size that has changed, and values, the likeliest first."""
    sizes: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    slots = {root for ids in graph.slots.values() for root in graph.roots(ids).tolist()}
    for path, ids in graph.sized:
        roots = graph.roots(ids).tolist()
        left = sum(root in units or root not in slots for root in roots)
        sizes[path][len(roots)].add(left)
    options: dict[Attribute, list[object]] = {}
    for path, news in sizes.items():
        for holder, name, value in _numbers(graph, path):
            found = _replaced(value, news)
            if found != [value]:
                options[holder, name] = found
    return options


def picks_by_class(
    graph: Graph, options: Mapping[Attribute, list[object]], failed: str
) -> Iterator[Pick]:
    """Yield other choices for the attributes of all classes near the module that has failed."""
    near = {type(graph.modules[path]) for path in (failed, failed.rpartition(".")[0])}
    counts: dict[Kind, int] = {}
    for (path, name), values in options.items():
        kind = type(graph.modules[path]), name
        if not failed or kind[0] in near:
            counts[kind] = max(counts.get(kind, 0), len(values))
    yield from _other_numbers(counts)


def picks_by_place(
    graph: Graph, options: Mapping[Attribute, list[object]], failed: str
) -> Iterator[Pick]:
    """Yield other choices for the attributes of the module that has failed, and those like it.

    If no module is known, they are those of all modules.
    """
    around = _place(failed.rpartition(".")[0])
    own: dict[Kind, int] = {}
    rest: dict[Kind, int] = {}
    for (path, name), values in options.items():
        if not failed or _place(path) in (_place(failed), around):
            counts = own if _place(path) == _place(failed) else rest
            counts[_place(path), name] = max(counts.get((_place(path), name), 0), len(values))
    counts = own | rest
    yield from _other_numbers(counts)


def _other_numbers(counts: Mapping[Kind, int]) -> Iterator[Pick]:
    """Yield the choices that differ from the likeliest in one kind, then in two, and so on."""
    for changes in range(1, len(counts) + 1):
        for kinds in combinations(counts, changes):
            for numbers in product(*(range(1, counts[kind]) for kind in kinds)):
                yield dict(zip(kinds, numbers))


def _numbers(graph: Graph, path: str) -> Iterator[tuple[str, str, object]]:
    """Yield attributes of a module, and of the one around it, that hold integers."""
    for holder in dict.fromkeys((path, path.rpartition(".")[0])):
        if holder in graph.modules:
            for name, value in whole_numbers(graph.modules[holder]).items():
                yield holder, name, value


def _replaced(value: object, news: Mapping[int, set[int]]) -> list[object]:
    """Return the values that an attribute may take, the likeliest first."""
    if isinstance(value, (tuple, list)):
        changed = [min(news.get(number, {number})) for number in value]
        return [type(value)(changed), value] if changed != list(value) else [value]
    assert isinstance(value, int)
    found = sorted(news.get(value, set()) - {value})
    return [*found, value]
