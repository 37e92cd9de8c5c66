"""Trace a network: run it once and follow its channels through every operation."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.call import Call, Rule
from cdfi.compression.tracing.caller import line_of_error, warn_user
from cdfi.compression.tracing.graph import Channels, Graph, Unfollowed
from cdfi.compression.tracing.layers import layers
from cdfi.compression.tracing.modules import running_modules
from cdfi.compression.tracing.outputs import tensor_leaves
from cdfi.compression.tracing.rules import (
    ALONG_PARAMETERS,
    LAYERS,
    ON_PARAMETERS,
    REARRANGING,
    RULES,
)
from cdfi.compression.tracing.views import parameter_call

#: Arguments of a forward: positional, or a mapping of keywords.
Example = Sequence[Any] | Mapping[str, Any]


def trace(
    model: nn.Module,
    example: Example,
    extra: Mapping[str, Rule] | None = None,
    *,
    warn: bool = True,
    choices: Sequence[int] = (),
) -> Graph:
    """Return the channel graph of ``model``, from one run on ``example`` in evaluation mode.

    Args:
        model: any network; control flow in Python is followed as it runs.
        example: its arguments, small but of a typical shape; a mapping holds keywords.
        extra: rules for operations of your own by name; ``torch.ops.library.name`` is "name".
        warn: whether to warn of layers that did not run on the example.
        choices: those of the trace of a larger model, :attr:`Graph.choices`.

    Raises:
        ValueError: the model does not run on the example, shares weights between layers, or
            holds NaN.
    """
    for _ in layers(model):  # raises for weights that cannot be used
        pass
    graph = Graph(model)
    graph.forced = choices
    outputs = tensor_leaves(_run(model, example, graph, {**RULES, **(extra or {})}))
    if not any(id(tensor) in graph.followed for tensor in outputs):
        raise ValueError(
            "the model cannot be traced: its result has no tensor that the trace could follow "
            "(torch.jit.script, numpy and custom autograd functions are not seen). Return tensors "
            "that torch operations compute"
        )
    for tensor in outputs:
        if channels := graph.channels_of(tensor):
            graph.pin(channels.ids, "an output of the model")
    if warn:
        _warn_of_idle_layers(model, graph)
    return graph


def _run(model: nn.Module, example: Example, graph: Graph, rules: Mapping[str, Rule]) -> Any:
    """Run the model in evaluation mode; record what it does in the graph."""
    try:
        with evaluating(model), running_modules(model, graph.running), _Follow(graph, rules):
            graph.tracing = True
            return call_with(model, example)
    except Exception as error:
        where = f" in {graph.running[-1]!r}" if graph.running[-1] else ""
        where += f" at {line}" if (line := line_of_error(error)) else ""
        raise ValueError(
            f"the model cannot be traced: it stops on the example{where} with "
            f"{type(error).__name__}: {error}. Pass the arguments its forward takes, on the device "
            "of its weights"
        ) from error
    finally:
        graph.tracing = False


def copied(example: Example) -> Example:
    """Return a copy of the arguments of a forward, which may change them in place."""

    def clone(leaf: object) -> object:
        return leaf.detach().clone() if isinstance(leaf, Tensor) else leaf

    own = dict(example) if isinstance(example, Mapping) else tuple(example)
    copy: Example = pytree.tree_map(clone, own)
    return copy


def call_with(model: nn.Module, example: Example) -> Any:
    """Call a module on a copy of the arguments."""
    return call_with_own(model, copied(example))


def call_with_own(model: nn.Module, own: Example) -> Any:
    """Call a module on arguments that it may change."""
    return model(**own) if isinstance(own, Mapping) else model(*own)


def _warn_of_idle_layers(model: nn.Module, graph: Graph) -> None:
    """Warn of layers that did not run on the example: they keep their widths."""
    ran = {name for name, _ in graph.outputs}
    names = [layer.name for layer in layers(model)]
    if idle := [name for name in names if graph.shared.get(name, name) not in ran]:
        shown = ", ".join(map(repr, idle[:5])) + (", ..." if len(idle) > 5 else "")
        warn_user(
            f"{len(idle)} layers did not run on the example and keep their widths: {shown}. If "
            "they read channels of other layers, pass those layers in protected=(...)"
        )


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put ``model`` into evaluation mode, without gradients, inside the context."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


#: Operators with a form that works in place or from the right: ``__iadd__``, ``__radd__``.
IN_PLACE = frozenset(("add", "sub", "mul", "div", "truediv", "pow"))
#: Calls that make a constant tensor of a size that the code holds.
BLANK = frozenset(["empty", "full", "new_full", "new_ones", "new_zeros", "ones", "zeros"])
#: Calls that hand values to code which the trace does not see.
ESCAPES = frozenset(("array", "dlpack", "item", "numpy", "tolist"))


class _Follow(TorchFunctionMode):
    """Intercepts every call of a torch function, runs it, and applies its rule."""

    def __init__(self, graph: Graph, rules: Mapping[str, Rule]) -> None:
        super().__init__()
        self.graph = graph
        self.rules = rules

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        call = Call(_name(func), func, args, kwargs or {})
        tensors = call.tensors()
        before = [channels for tensor in tensors if (channels := self.graph.channels_of(tensor))]
        ours = any(self.graph.view_of(tensor) for tensor in tensors) or bool(before)
        followed = False
        versions = [None if t.is_inference() else t._version for t in tensors]
        call = call._replace(result=func(*args, **call.kwargs))
        results = [x for x in pytree.tree_leaves(call.result) if isinstance(x, Tensor)]
        if call.name in ESCAPES:
            for channels in before:
                self.graph.pin(channels.ids, f"read as Python values by {call.name}")
        elif call.name in BLANK:
            self.graph.blank.update(
                (id(tensor), (tensor, self.graph.running[-1])) for tensor in results
            )
        elif ours and (results or call.name == "setitem"):
            followed = self._apply(call, before)
            own = self.graph.touched[self.graph.running[-1]]
            own += [channels.ids for channels in before]
            own += [c.ids for tensor in results if (c := self.graph.channels_of(tensor))]
        for tensor, version in zip(tensors, versions):
            if version is not None and tensor._version != version:
                self.graph.changed_in_place(tensor, followed)
        if ours or any(id(tensor) in self.graph.followed for tensor in tensors):
            self.graph.followed.update((id(tensor), tensor) for tensor in results)
        return call.result

    def _apply(self, call: Call, before: list[Channels]) -> bool:
        """Apply the rule of a call; without one, or if the rule cannot, its inputs are fixed.

        Returns whether the rule has recorded the result.
        """
        graph, rule = self.graph, self.rules.get(call.name)
        if not before and call.name in ON_PARAMETERS:
            parameter_call(graph, call, frozenset(REARRANGING.split()), ALONG_PARAMETERS)
            return True
        followed = rule is not None and rule(graph, call)
        if not followed or (not before and call.name not in LAYERS.split()):
            for tensor in call.tensors():
                if view := graph.view_of(tensor):
                    graph.frozen.setdefault(view.name, f"used in {call.name!r}")
        if not followed:
            for channels in before:
                if rule is None:
                    graph.unsupported.append(Unfollowed(call.name, graph.place(), channels.ids))
                else:
                    graph.pin(channels.ids, f"used in {call.name!r} in a form without a rule")
        return followed


def _name(func: Any) -> str:
    """Return one name for all spellings: ``x + y``, ``x.add_(y)`` and ``torch.add`` are "add"."""
    name = getattr(func, "__name__", str(func))
    if name == "__get__":
        return str(func.__self__.__name__)  # an attribute, such as x.data
    name = name.split(".")[0].strip("_")
    return name[1:] if name[:1] in "ri" and name[1:] in IN_PLACE else name
