"""Run a kernel over lines on as many threads as PyTorch uses."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

#: Called with its arguments and the range of lines to work on: ``start``, ``stop``.
Kernel = Callable[..., None]

LEAST = 8  # rows of pixels that are worth the overhead of another thread


def over_lines(kernel: Kernel, lines: int, *arguments: Any, least: int = LEAST) -> None:
    """Run ``kernel(*arguments, start, stop)`` on parts of the lines, in several threads.

    Kernels release the GIL and run in Python threads, not in Numba's parallel loops: Numba has one
    pool per process, which crashes if two threads use it or the process has forked. There are more
    parts than threads, so that one busy core delays the others little. The calling thread takes
    parts, too, and all of them if no other thread is free.

    Args:
        kernel: called with its arguments and the range of lines, possibly in several threads.
        lines: their number.
        arguments: of the kernel.
        least: lines per thread below which fewer threads are used.
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
        """Run parts until none is left."""
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
            if not helper.cancel():  # it has started
                helper.result()  # raises its error


@functools.lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return a persistent pool: on a small frame, starting threads takes longer than the work."""
    return ThreadPoolExecutor(threads, "cdfi")


if hasattr(os, "register_at_fork"):  # a child process has no threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
