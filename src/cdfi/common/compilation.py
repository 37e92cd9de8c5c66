"""Callbacks for the compilation of kernels."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Called with the name of a function that is not in the cache on disk and is compiled now.
OnCompile = Callable[[str], None]
_watchers: list[OnCompile] = []


@contextmanager
def watch_compilation(watcher: OnCompile) -> Iterator[None]:
    """Call ``watcher`` whenever a function is compiled in the block, in any thread."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def report(name: str) -> None:
    """Call all watchers: the function ``name`` is compiled now."""
    for watcher in list(_watchers):
        watcher(name)
