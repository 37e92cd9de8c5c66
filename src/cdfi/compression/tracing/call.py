"""One call of a torch function, as a rule sees it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.graph import Graph


class Call(NamedTuple):
    """A call that has just returned."""

    name: str
    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any = None

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """An argument by position or name."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def tensors(self) -> list[Tensor]:
        """Every tensor among the arguments, lists looked into."""
        leaves = pytree.tree_leaves((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


#: Writes down what the channels of a call's result are; False where it cannot tell.
Rule = Callable[[Graph, Call], bool]
