"""One call of a torch function, as the rules receive it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils import _pytree as pytree

from cdfi.compression.tracing.graph import Graph

#: Operations called as ``f(tensor, other, dim)``. Fourier transforms are called like this, too.
_DIM_SECOND = frozenset(("diff", "kthvalue", "linalg_vector_norm", "norm", "quantile", "topk"))


class Call(NamedTuple):
    """A call that has returned."""

    name: str
    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any = None

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """Return an argument by position or name."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def dim(self, default: Any = None) -> Any:
        """Return the argument ``dim``, an integer or several of them."""
        second = self.name in _DIM_SECOND or self.name.startswith("fft_")
        return self.argument(2 if second else 1, "dim", default)

    def tensors(self) -> list[Tensor]:
        """Return every tensor among the arguments, those in lists included."""
        leaves = pytree.tree_leaves((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


#: Records the channels of the result of a call in the graph; returns False if it cannot.
Rule = Callable[[Graph, Call], bool]
