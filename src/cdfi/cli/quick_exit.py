"""End the process without freeing its modules one by one, which takes a second with PyTorch."""

import atexit
import os
import sys
from collections.abc import Callable


def run_and_exit(command: Callable[[], int]) -> None:
    """Run ``command`` as the whole program: its result is the exit status.

    Threads are joined and exit handlers run as usual; only then the process ends at once. It ends
    as usual after an exception, and under a tracer, such as that of a coverage measurement.
    """
    status: int | None = None
    if sys.gettrace() is None:
        # Handlers run in the reverse order of their registration, so this one is the last.
        atexit.register(lambda: _end(status))
    status = command()
    sys.exit(status)


def _end(status: int | None) -> None:
    """End the process if there is a status and all output is written; else Python ends it."""
    if status is None:
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(status)
