"""Find the tensors in what a module returns."""

from dataclasses import fields, is_dataclass

from torch import Tensor
from torch.utils import _pytree as pytree


def tensor_leaves(value: object) -> list[Tensor]:
    """Return every tensor in a value: containers, dataclasses and plain objects are opened."""
    found: list[Tensor] = []
    seen: set[int] = set()

    def visit(part: object) -> None:
        if id(part) in seen:
            return
        seen.add(id(part))
        if isinstance(part, Tensor):
            found.append(part)
        elif is_dataclass(part) and not isinstance(part, type):
            for row in fields(part):
                visit(getattr(part, row.name, None))
        else:
            leaves = pytree.tree_leaves(part)
            if len(leaves) == 1 and leaves[0] is part:
                leaves = (
                    [] if isinstance(part, type) else list(getattr(part, "__dict__", {}).values())
                )
            for leaf in leaves:
                visit(leaf)

    visit(value)
    return found
