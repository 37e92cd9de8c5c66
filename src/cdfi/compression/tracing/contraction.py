"""Rules of products that sum over a dimension: matmul, addmm, einsum."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.graph import Channels, Graph

NO_LAYER = "multiplied with a tensor that no layer computes"


class Operand(NamedTuple):
    """A factor of a product, and the letter of each of its dimensions, as in ``einsum``."""

    tensor: Tensor
    letters: str


def matmul(graph: Graph, call: Call) -> bool:
    """Handle ``a @ b`` of matrices and batches of them."""
    a, b = call.argument(0, "input"), call.argument(1, "other")
    if a.dim() < 2 or b.dim() < 2:
        return False
    batch = "abcdefgh"
    one = Operand(a, batch[len(batch) - a.dim() + 2 :] + "mk")
    other = Operand(b, batch[len(batch) - b.dim() + 2 :] + "kn")
    longest = max(one.letters[:-2], other.letters[:-2], key=len)
    return contract(graph, [one, other], call.result, longest + "mn")


def addmm(graph: Graph, call: Call) -> bool:
    """Handle ``bias + a @ b``."""
    bias, a, b = (call.argument(i, n) for i, n in enumerate(("input", "mat1", "mat2")))
    if not matmul(graph, call._replace(args=(a, b), kwargs={})):
        return False
    return _add_bias(graph, call, bias)


def bilinear(graph: Graph, call: Call) -> bool:
    """Handle ``x1 @ W[o] @ x2 + bias``, with a weight (O, I1, I2)."""
    x1, x2, weight, bias = (
        call.argument(i, n) for i, n in enumerate(("input1", "input2", "weight", "bias"))
    )
    batch = "abcdefgh"[: x1.dim() - 1]
    factors = [Operand(x1, f"{batch}k"), Operand(x2, f"{batch}l"), Operand(weight, "okl")]
    if not contract(graph, factors, call.result, f"{batch}o"):
        return False
    return bias is None or _add_bias(graph, call, bias)


def linear_by_view(graph: Graph, call: Call) -> bool:
    """Handle a linear layer whose weight is a view, such as that of another layer, transposed."""
    x, weight, bias = (call.argument(i, n) for i, n in enumerate(("input", "weight", "bias")))
    batch = "abcdefgh"[: x.dim() - 1]
    factors = [Operand(x, f"{batch}k"), Operand(weight, "ok")]
    if weight.dim() != 2 or not contract(graph, factors, call.result, f"{batch}o"):
        return False
    return bias is None or _add_bias(graph, call, bias)


def _add_bias(graph: Graph, call: Call, bias: Tensor) -> bool:
    """Record that a bias is added to the result of a product."""
    channels = graph.channels_of(call.result)
    if channels is None:
        return not graph.channels_of(bias)
    own = graph.along(bias, -1)
    if channels.dim == -1 and own is not None and len(own) == len(channels.ids):
        graph.join(own, channels.ids)
    else:
        graph.pin(channels.ids, "added to a tensor that no layer computes")
    graph.set_channels(call.result, channels.dim, channels.ids)  # with a bias, nothing is constant
    return True


def einsum(graph: Graph, call: Call) -> bool:
    """Handle ``einsum`` of an equation with ``->``."""
    equation = call.args[0].replace(" ", "") if isinstance(call.args[0], str) else ""
    factors = call.args[1] if isinstance(call.args[1], (list, tuple)) else call.args[1:]
    equation = _without_ellipsis(equation, factors)
    inputs, _, out = equation.partition("->")
    parts = inputs.split(",")
    if "->" not in equation or "." in equation or len(parts) != len(factors):
        return False
    if any(len(set(part)) < len(part) for part in parts):
        return False
    return contract(graph, list(map(Operand, factors, parts)), call.result, out)


def _without_ellipsis(equation: str, factors: Sequence[Tensor]) -> str:
    """Return the equation with capital letters in place of ``...``."""
    inputs, arrow, out = equation.partition("->")
    parts = inputs.split(",")
    if "..." not in inputs or len(parts) != len(factors) or inputs != inputs.lower():
        return equation
    sizes = [t.dim() - len(p) + 3 if "..." in p else 0 for p, t in zip(parts, factors)]
    letters = "ABCDEFGH"[: max(sizes)]
    named = [p.replace("...", letters[len(letters) - n :]) for p, n in zip(parts, sizes)]
    return f"{','.join(named)}{arrow}{out.replace('...', letters)}"


def contract(graph: Graph, operands: list[Operand], result: Tensor, out: str) -> bool:
    """Record a product: equal letters share channels, those not in ``out`` are summed over.

    A parameter is a layer: its dimension that no other operand has becomes its out-channels.
    """
    labelled: dict[str, list[Channels]] = {}
    for operand in operands:
        if channels := graph.channels_of(operand.tensor):
            labelled.setdefault(operand.letters[channels.dim], []).append(channels)
    weights = [o for o in operands if not graph.channels_of(o.tensor) and graph.view_of(o.tensor)]
    for operand in weights:
        _add_weight(graph, operand, labelled, out, result)
    if any(len({len(c.ids) for c in known}) > 1 for known in labelled.values()):
        return False
    merged = {letter: _merge(graph, known) for letter, known in labelled.items()}
    for letter, channels in merged.items():
        _pin_others(graph, letter, channels, operands)
    kept = [letter for letter in merged if letter in out]
    for letter in merged.keys() - set(out):
        graph.add_zero_reader(merged[letter].ids, merged[letter].value == 0)
    if len(kept) > 1:  # each value belongs to two channels
        for letter in kept:
            graph.pin(merged[letter].ids, "multiplied so that a value belongs to two channels")
    elif kept:
        dim = out.index(kept[0]) - len(out)
        graph.set_channels(result, dim, merged[kept[0]].ids, merged[kept[0]].value)
    return True


def _add_weight(
    graph: Graph, operand: Operand, labelled: dict[str, list[Channels]], out: str, result: Tensor
) -> None:
    """Add the dimensions of a parameter that match channels, and its out-channels."""
    own = [letter for letter in operand.letters if letter in out and letter not in labelled]
    shared = [letter for letter in operand.letters if letter in labelled]
    for letter in shared + (own[-1:] if shared and shared[0] not in out else []):
        axis = operand.letters.index(letter)
        ids = graph.along(operand.tensor, axis)
        if ids is None:
            for channels in labelled.get(letter, ()):
                graph.pin(channels.ids, NO_LAYER)
            continue
        values = operand.tensor.detach().movedim(axis, 0).reshape(len(ids), -1)
        zero = torch.where((values == 0).all(1).cpu(), 0.0, torch.nan)
        labelled.setdefault(letter, []).append(Channels(axis - len(operand.letters), ids, zero))
        if letter in own and graph.is_parameter(operand.tensor):
            graph.add_layer(operand.tensor, result.numel() // len(ids), ids)


def _merge(graph: Graph, known: list[Channels]) -> Channels:
    """Merge the channels of all operands at one letter; a zero in any makes a zero."""
    zero = torch.zeros(len(known[0].ids), dtype=torch.bool)
    for channels in known:
        graph.join(channels.ids, known[0].ids)
        zero |= channels.value.cpu() == 0
    return Channels(0, known[0].ids, torch.where(zero, 0.0, torch.nan))


def _pin_others(graph: Graph, letter: str, channels: Channels, operands: list[Operand]) -> None:
    """Pin channels that meet values of no layer at the same letter."""
    for operand in operands:
        known = graph.channels_of(operand.tensor)
        if letter not in operand.letters:
            continue
        axis = operand.letters.index(letter)
        if known and known.dim + len(operand.letters) == axis:
            continue
        if operand.tensor.shape[axis] > 1 and graph.along(operand.tensor, axis) is None:
            graph.pin(channels.ids, NO_LAYER)
