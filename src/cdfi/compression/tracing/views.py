"""Rules of operations on parameters alone: views, scales, norms of weights."""

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.graph import Graph, View

#: Operations that keep a parameter's shape, but combine its values along all dimensions but one.
NORMS = ("batch_norm", "group_norm", "layer_norm", "normalize", "softmax", "weight_norm")
REDUCTIONS = ("amax", "amin", "mean", "norm", "std", "std_mean", "sum", "var", "var_mean")
#: Those of them whose vectors are scales and shifts along dimension 1.
BY_CHANNEL = ("batch_norm", "group_norm")
PRODUCTS = ("dot", "mv", "vdot")


def parameter_call(
    graph: Graph, call: Call, rearranging: frozenset[str], along: frozenset[str]
) -> None:
    """Record the result of an operation on parameters; one that is not followed fixes them.

    Operations ``along`` a dimension combine values along it only, as reductions do.
    """
    tensors = call.tensors()
    results = [x for x in pytree.tree_leaves(call.result) if isinstance(x, Tensor)]
    source = next(tensor for tensor in tensors if graph.view_of(tensor))
    if call.name in rearranging:
        followed = _rearranged(graph, call, source, results)
    elif call.name in REDUCTIONS or call.name in along:
        followed = _reduced(graph, call, source, results)
    elif call.name in PRODUCTS:
        followed = _multiplied(graph, call, results)
    else:
        followed = _same_shape(graph, call, source, results)
    if not followed and any(tensor.numel() > 1 for tensor in results):
        for tensor in tensors:
            if view := graph.view_of(tensor):
                graph.frozen.setdefault(view.name, f"used in {call.name!r}")


def _set(graph: Graph, tensor: Tensor, view: View) -> None:
    """Record a view; one that has all values of the parameter in place is an alias."""
    shape = graph.tensors[view.name].shape
    in_place = tensor.shape == shape and all(
        index.numel() == shape[d] == index.shape[d]
        and torch.equal(index.flatten(), torch.arange(shape[d]))
        for d, index in enumerate(view.indices)
    )
    if in_place:
        graph.add_alias(tensor, view.name)
    else:
        graph.set_view(tensor, view)


def _rearranged(graph: Graph, call: Call, source: Tensor, results: list[Tensor]) -> bool:
    """Run the function on the index along each dimension."""
    view = graph.view_of(source)
    assert view is not None
    moved = []
    for index in view.indices:
        numbers = index.to(source.device).expand(source.shape)
        args, kwargs = pytree.tree_map(
            lambda leaf, numbers=numbers: numbers if leaf is source else leaf,
            (call.args, call.kwargs),
        )
        try:
            moved.append(pytree.tree_leaves(call.func(*args, **kwargs)))
        except RuntimeError:
            return False
    for k, result in enumerate(results):
        _set(graph, result, View(view.name, tuple(_narrow(m[k].cpu()) for m in moved)))
    return True


def _narrow(numbers: Tensor) -> Tensor:
    """Reduce dimensions along which the numbers do not change to a size of 1."""
    for d in range(numbers.dim()):
        if numbers.shape[d] > 1 and bool((numbers == numbers.narrow(d, 0, 1)).all()):
            numbers = numbers.narrow(d, 0, 1)
    return numbers


def _reduced(graph: Graph, call: Call, source: Tensor, results: list[Tensor]) -> bool:
    """Drop the dimensions that are reduced; the parameter is combined along them."""
    view = graph.view_of(source)
    assert view is not None
    dims = call.dim(None if call.name in REDUCTIONS else -1)
    if dims is None:
        dims = range(source.dim())
    reduced = {d % source.dim() for d in ([dims] if isinstance(dims, int) else dims)}
    graph.mixed[view.name] |= {
        k for k, index in enumerate(view.indices) if any(index.shape[d] > 1 for d in reduced)
    }
    for result in results:
        indices = []
        for index in view.indices:
            for d in sorted(reduced, reverse=True):
                index = index.narrow(d, 0, 1)
                index = index if result.dim() == source.dim() else index.squeeze(d)
            indices.append(index)
        if result.dim() > 0:
            graph.set_view(result, View(view.name, tuple(indices)))
    return True


def _multiplied(graph: Graph, call: Call, results: list[Tensor]) -> bool:
    """Handle products of a matrix and a vector of parameters: both lose the last dimension."""
    one, other = call.args[:2]
    first, second = graph.along(one, -1), graph.along(other, -1)
    if first is None or second is None or len(first) != len(second):
        return False
    graph.join(first, second)
    for tensor in (one, other):
        view = graph.view_of(tensor)
        assert view is not None
        graph.mixed[view.name] |= {0, 1}
    view = graph.view_of(one)
    assert view is not None
    for result in results if results[0].dim() else ():
        graph.set_view(result, View(view.name, tuple(p.select(-1, 0) for p in view.indices)))
    return True


def _same_shape(graph: Graph, call: Call, source: Tensor, results: list[Tensor]) -> bool:
    """Handle operations whose result stands for the parameter with the most values."""
    tensors = [tensor for tensor in call.tensors() if tensor.numel() > 1]
    views = [tensor for tensor in tensors if graph.view_of(tensor)]
    if len(results) != 1 or len(views) != len(tensors) or not views:
        return not views
    largest = max(views, key=lambda tensor: tensor.numel())
    view = graph.view_of(largest)
    assert view is not None
    if largest.shape != results[0].shape:
        return False
    for other in views:
        along_first = call.name in BY_CHANNEL and other.dim() == 1
        join = _join_first if along_first else _join_all
        if other is not largest and not join(graph, largest, other):
            return False
    if call.name in NORMS:
        graph.mixed[view.name] |= set(range(1, len(view.indices)))
    _set(graph, results[0], view)
    return True


def _join_first(graph: Graph, one: Tensor, vector: Tensor) -> bool:
    """Join a vector with dimension 1 of another parameter."""
    ours, theirs = graph.along(one, 1), graph.along(vector, 0)
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    graph.join(theirs, ours)
    return True


def _join_all(graph: Graph, one: Tensor, other: Tensor) -> bool:
    """Join two parameters along every dimension in which both have a size above 1."""
    ours, theirs = graph.view_of(one), graph.view_of(other)
    assert ours is not None
    assert theirs is not None
    if ours.name == theirs.name:
        return True
    for d in range(1, other.dim() + 1):
        if other.shape[-d] > 1 and -d >= -one.dim():
            a, b = graph.along(one, -d), graph.along(other, -d)
            if a is None or b is None or len(a) != len(b):
                return False
            graph.join(b, a)
            if ours.indices[min(2, len(ours.indices) - 1)].shape[-d] > 1 < len(ours.indices) - 1:
                graph.add_reader(a, torch.zeros(len(a), dtype=torch.bool))  # not of a matrix
    return True
