"""Check that a smaller module still runs, and that it computes the same."""

import copy
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.outputs import tensor_leaves
from cdfi.compression.tracing.trace import Example, call_with, copied, evaluating

#: Largest difference of outputs, relative to the largest output, by the bytes of a value.
TOLERANCE = {8: 1e-6, 4: 1e-4, 2: 3e-2}
_SEED = 0  # of random inputs, and of the random numbers that a module draws


def check_runs(model: nn.Module, small: nn.Module, example: Example) -> None:
    """Raise ValueError if a smaller model does not run, or returns other shapes.

    It runs in evaluation mode and, if the original does, in training mode, where other branches
    may run.
    """
    with evaluating(model), evaluating(small):
        expected = [tensor.shape for tensor in _outputs(model, example)]
        try:
            found = [tensor.shape for tensor in _outputs(small, example)]
        except (RuntimeError, ValueError, IndexError) as error:
            raise ValueError(
                f"the smaller model does not run ({error}): its code contains a width (in a "
                "view or a split); pass the layer before it in protected=(...)"
            ) from error
    if found != expected:
        raise ValueError(
            f"the smaller model returns shapes {found} instead of {expected}: pass the layer "
            "that makes them in protected=(...)"
        )
    failure = _trains(small, example)
    if failure is not None and _trains(model, example) is None:
        raise ValueError(
            f"the smaller model does not run in training mode ({failure}): a branch that runs only "
            "there reads channels that are gone; pass the layer before it in protected=(...)"
        )


def difference(model: nn.Module, other: nn.Module, example: Example) -> float:
    """Return the largest difference of two modules' outputs in evaluation mode.

    It is relative to the largest output and to :data:`TOLERANCE`: up to 1 counts as equal. The
    modules are compared on the example and on random inputs of the same shapes and range.
    """
    worst = 0.0
    for inputs in (copied(example), random_like(example)):
        with evaluating(model), evaluating(other):
            pairs = list(zip(_outputs(model, inputs), _outputs(other, inputs)))
        worst = max([worst, *(_relative(expected, found) for expected, found in pairs)])
    return worst


def require_same(
    model: nn.Module,
    other: nn.Module,
    example: Example,
    what: str,
    suspects: Callable[[], list[str]],
) -> None:
    """Raise ValueError unless two modules compute the same.

    Args:
        model: the original.
        other: the changed module.
        example: arguments of their forward.
        what: the change, to begin the message with.
        suspects: returns the layers that the message names.
    """
    if difference(model, other, example) > 1:
        names = ", ".join(map(repr, suspects())) or "the layers involved"
        raise ValueError(
            f"{what} changes the output: the code depends on a width or on values that the trace "
            f"does not see. Pass {names} in protected=(...)"
        )


def random_like(example: Example) -> Example:
    """Return random arguments of the same shapes; floating-point tensors keep their range."""

    def random(leaf: object) -> object:
        if not isinstance(leaf, Tensor) or not leaf.is_floating_point() or not leaf.numel():
            return leaf.clone() if isinstance(leaf, Tensor) else leaf
        generator = torch.Generator().manual_seed(_SEED)
        low, high = float(leaf.min()), float(leaf.max())
        low, high = (low, high) if high > low else (low - 1.0, low + 1.0)
        values = torch.rand(leaf.shape, generator=generator) * (high - low) + low
        return values.to(leaf)

    own = dict(example) if isinstance(example, Mapping) else tuple(example)
    chosen: Example = pytree.tree_map(random, own)
    return chosen


def _outputs(model: nn.Module, inputs: Example) -> list[Tensor]:
    """Return the output tensors of a module; its random numbers are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        return tensor_leaves(call_with(model, inputs))


def _trains(model: nn.Module, example: Example) -> Exception | None:
    """Return the error of a run in training mode, on a copy of the module; None without one."""
    try:
        with torch.no_grad():
            _outputs(copy.deepcopy(model).train(), example)
    except Exception as error:
        return error
    return None


def _relative(expected: Tensor, found: Tensor) -> float:
    if expected.shape != found.shape:
        return math.inf
    if not expected.is_floating_point():
        return 0.0 if torch.equal(expected, found) else math.inf
    tolerance = TOLERANCE[expected.element_size()]
    expected, found = expected.double().cpu(), found.double().cpu()
    if not torch.equal(torch.isfinite(expected), torch.isfinite(found)):
        return math.inf
    finite = torch.isfinite(expected)
    error = (expected - found)[finite].abs()
    scale = expected[finite].abs()
    if not error.numel():
        return 0.0
    return float(error.max() / (tolerance * scale.max().clamp(min=1e-6)))
