"""Lines of work on as many threads as PyTorch uses."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

#: Called with its arguments and the range of lines to work on: ``start``, ``stop``.
Kernel = Callable[..., None]

LEAST = 8  # rows of pixels that are worth handing to another thread


def over_lines(kernel: Kernel, lines: int, *arguments: Any, least: int = LEAST) -> None:
    """Run ``kernel(*arguments, start, stop)`` over all lines.

    Plain threads around code that releases the GIL, instead of Numba's parallel loops: those
    share one pool a process, which crashes when two threads enter it or the process has forked.
    More parts than threads, so that a busy core delays the others little. The calling thread takes
    parts as well, and all of them while no other is free.
    """
    most = -(-lines // least)
    threads = min(torch.get_num_threads(), most)
    if threads <= 1:
        kernel(*arguments, 0, lines)
        return
    count = min(4 * threads, most)
    edges = [lines * part // count for part in range(count + 1)]
    parts = list(zip(edges[-2::-1], edges[:0:-1]))

    def work() -> None:
        while True:
            try:
                start, stop = parts.pop()
            except IndexError:
                return
            kernel(*arguments, start, stop)

    helpers = [_pool(threads - 1).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        for helper in helpers:
            if not helper.cancel():  # it has begun
                helper.result()  # raises what it raised


@functools.lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that stay: starting some takes longer than the work they get on a small frame."""
    return ThreadPoolExecutor(threads, "cdfi")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
