"""Optional libraries, and the one line that says which extra brings a missing one."""

from importlib import import_module
from typing import Any


def need(module: str, purpose: str, install: str) -> Any:
    """The imported ``module``.

    Args:
        module: Its import name.
        purpose: What needs it, to begin the error message with.
        install: What ``pip install`` gets it with.

    Raises:
        ValueError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ValueError(f"{purpose} needs {name}: pip install '{install}'") from error
