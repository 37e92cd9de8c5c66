"""Import optional libraries, with an error that names the extra to install."""

from importlib import import_module
from typing import Any


def need(module: str, purpose: str, install: str) -> Any:
    """Import and return ``module``.

    Args:
        module: its import name.
        purpose: what needs it: the start of the error message.
        install: the argument of ``pip install`` that installs it.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ValueError(f"{purpose} needs {name}: pip install '{install}'") from error
