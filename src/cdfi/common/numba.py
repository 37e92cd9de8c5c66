"""Compile functions with Numba, with a cache on disk if one can be written."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from cdfi.common.compilation import report

Function = TypeVar("Function", bound=Callable[..., Any])

# Sums may be reordered, so that they vectorise; NaN and infinity keep their meaning.
FASTMATH = frozenset({"reassoc", "contract", "nsz", "arcp"})


def _compile(function: Function, **options: Any) -> Function:
    """Compile with a cache on disk, or without one if no folder is writable."""
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        result = numba.njit(cache=True, **options)(function)
        _recompile_if_unreadable(result)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        result = numba.njit(**options)(function)
    return result  # type: ignore[no-any-return]


def _recompile_if_unreadable(dispatcher: Any) -> None:
    """Treat a cache on disk that cannot be read as empty; report each function that is compiled.

    The index of the cache names types by module and class: it becomes unreadable if one is renamed.
    """
    cache = dispatcher._cache
    load = cache.load_overload

    def load_overload(signature: Any, target_context: Any) -> Any:
        try:
            found = load(signature, target_context)
        except Exception:  # whatever unpickling raises
            cache.flush()
            found = None
        if found is None:
            report(f"{dispatcher.__module__}.{dispatcher.__name__}")
        return found

    cache.load_overload = load_overload


def compiled(function: Function) -> Function:
    """Compile at the first call, with reordered floating-point sums, without the GIL."""
    return _compile(function, fastmath=set(FASTMATH))


def compiled_exactly(function: Function) -> Function:
    """Compile as :func:`compiled`, but with every floating-point operation in its written order."""
    return _compile(function)


def inlined(function: Function) -> Function:
    """Compile into the caller, because passing the arrays for every pixel would double the cost.

    LLVM does not inline these functions by itself; without it, kernels of few channels take two to
    three times as long.
    """
    return _compile(function, fastmath=set(FASTMATH), inline="always")
