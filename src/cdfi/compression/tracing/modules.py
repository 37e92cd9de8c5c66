"""Follow which module of a network runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def running_modules(model: nn.Module, stack: list[str]) -> Iterator[None]:
    """Keep the paths of the modules that run in ``stack``, the innermost last.

    After an error, the stack ends with the module that has failed.
    """
    handles = []
    for path, module in model.named_modules():

        def enter(_module: nn.Module, _args: Any, path: str = path) -> None:
            stack.append(path)

        def leave(_module: nn.Module, _args: Any, _result: Any, path: str = path) -> None:
            while len(stack) > 1 and stack.pop() != path:
                pass

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
