"""Check that a smaller module still runs, and that it computes the same."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils import _pytree as pytree

from cdfi.compression.shrink import shrink
from cdfi.compression.tracing.caller import line_of_error
from cdfi.compression.tracing.graph import Slot
from cdfi.compression.tracing.outputs import tensor_leaves
from cdfi.compression.tracing.trace import Example, call_with, copied, evaluating
from cdfi.compression.widths import WidthPlan

#: Largest difference of outputs, relative to the largest output, by the bytes of a value.
TOLERANCE = {8: 1e-6, 4: 1e-4, 2: 3e-2}
_SEED = 0  # of random inputs, and of the random numbers that a module draws


def failure(model: nn.Module, small: nn.Module, example: Example) -> str | None:
    """Return why a smaller model does not run or returns other shapes, or None.

    It runs in evaluation mode and, if the original does, in training mode, where other branches
    may run.
    """
    with evaluating(model), evaluating(small):
        expected = [tensor.shape for tensor in _outputs(model, example)]
        try:
            found = [tensor.shape for tensor in _outputs(small, example)]
        except (RuntimeError, ValueError, IndexError) as error:
            return f"the smaller model does not run ({_words(error)}): its code contains a width"
    if found != expected:
        return f"the smaller model returns shapes {found} instead of {expected}"
    error_in_training = _trains(small, example)
    if error_in_training is None or _trains(model, example) is not None:
        return None
    return (
        f"the smaller model does not run in training mode ({_words(error_in_training)}): a branch "
        "that runs only there reads channels that are gone"
    )


def _words(error: Exception) -> str:
    line = line_of_error(error)
    return f"{error}, at {line}" if line else str(error)


def check_runs(model: nn.Module, small: nn.Module, example: Example, plan: WidthPlan) -> None:
    """Raise ValueError if a smaller model does not run, or returns other shapes.

    The message names the layers to protect: those that make it fail if they alone are smaller.
    """
    if (why := failure(model, small, example)) is None:
        return
    names = culprits(plan, lambda kept: failure(model, shrink(model, kept), example) is not None)
    raise ValueError(f"{why}. Pass protected={names or plan.can_lose_channels()!r}")


def culprits(
    plan: WidthPlan, fails: Callable[[Mapping[Slot, Tensor]], bool], removed: set[int] | None = None
) -> tuple[str, ...]:
    """Return the layers that make a check fail if they alone lose channels.

    Args:
        plan: the widths of the model.
        fails: the check of a network with these indices of every slot.
        removed: the units that a layer may lose; by default the first that it can lose.
    """
    everything = {unit for width in plan.widths for unit in width.units}
    free = {unit for width in plan.widths if not width.fixed for unit in width.units[:-1]}
    names = []
    for layer, ids in plan.graph.outputs:
        own = set(plan.graph.roots(ids).tolist()) & (free if removed is None else removed)
        own = set(sorted(own)[:1]) if removed is None else own
        if own and fails(plan.indices(everything - own)):
            names.append(layer)
    return tuple(dict.fromkeys(names))


def difference(model: nn.Module, other: nn.Module, example: Example) -> float:
    """Return the largest difference of two modules' outputs.

    It is relative to the largest output and to :data:`TOLERANCE`: up to 1 counts as equal. The
    modules are compared on the example and on random inputs of the same shapes and range, in
    evaluation mode, and with the branches of training mode if their results are not random.
    """
    worst = 0.0
    for inputs in (copied(example), random_like(example)):
        with evaluating(model), evaluating(other):
            pairs = list(zip(_outputs(model, inputs), _outputs(other, inputs)))
        pairs += _pairs_of_training(model, other, inputs)
        worst = max([worst, *(_relative(expected, found) for expected, found in pairs)])
    return worst


def _pairs_of_training(
    model: nn.Module, other: nn.Module, inputs: Example
) -> list[tuple[Tensor, Tensor]]:
    """Return the outputs of two modules whose own code is in training mode.

    Layers of torch and norms stay in evaluation mode, because statistics of a batch differ. The
    list is empty if the model does not run in this mode, or draws random numbers.
    """
    with torch.no_grad():
        try:
            own = [_outputs(_with_training_branches(model), inputs, seed) for seed in (0, 1)]
        except Exception:  # whatever the user's code raises, for want of targets for example
            return []
        if any(_relative(first, second) > 0 for first, second in zip(*own)):
            return []
        try:
            found = _outputs(_with_training_branches(other), inputs)
        except (RuntimeError, ValueError, IndexError):  # a branch needs channels that are gone
            found = [tensor.new_empty(0) for tensor in own[0]]
        return list(zip(own[0], found))


def _with_training_branches(model: nn.Module) -> nn.Module:
    """Return a copy in training mode, in which layers of torch and norms are in evaluation mode."""
    model = copy.deepcopy(model).train()
    for module in model.modules():
        of_torch = type(module).__module__.startswith("torch.")
        module.training = not of_torch and not isinstance(module, _NormBase)
    return model


def require_same(
    model: nn.Module,
    other: nn.Module,
    example: Example,
    what: str,
    suspects: Callable[[], Sequence[str]],
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
        if difference(model, model, example) > 0:
            raise ValueError(
                "two runs of the model on one input differ, so that a smaller one cannot be "
                "compared with it: reset at the start of its forward what it keeps between runs, "
                "such as hidden states"
            )
        raise ValueError(
            f"{what} changes the output: the code depends on a width or on values that the trace "
            f"does not see. Pass protected={tuple(suspects())!r}"
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


def _outputs(model: nn.Module, inputs: Example, seed: int = _SEED) -> list[Tensor]:
    """Return the output tensors of a module; its random numbers are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
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
