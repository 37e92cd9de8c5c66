"""Lines of work on as many threads as PyTorch uses."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch


def over_lines(kernel: Callable[..., None], lines: int, *arguments: Any) -> None:
    """Run ``kernel(*arguments, start, stop)`` over all lines.

    Plain threads around code that releases the GIL, instead of Numba's parallel loops: those
    share one pool a process, which crashes when two threads enter it or the process has forked.
    More parts than threads, so that a busy core delays the others little.
    """
    threads = min(torch.get_num_threads(), lines)
    if threads <= 1:
        kernel(*arguments, 0, lines)
        return
    edges = [lines * part // (4 * threads) for part in range(4 * threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # Going through the results raises what a thread raised.
        for _ in pool.map(lambda *part: kernel(*arguments, *part), edges[:-1], edges[1:]):
            pass
