"""The time of one function, measured alike in all benchmarks."""

import time
from collections.abc import Callable
from statistics import median


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of ``repeats`` runs, after one that may compile."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return median(times[1:])
