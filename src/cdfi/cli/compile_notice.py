"""Say once, on a terminal, that kernels are being compiled."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cdfi.cli.console import stderr
from cdfi.common.compilation import watch_compilation

NOTICE = "compiling kernels for this processor: once, 10 to 20 seconds (cdfi warm-up does it ahead)"


@contextmanager
def compile_notice(quiet: bool) -> Iterator[None]:
    """Print a notice if the block compiles a kernel; with ``quiet`` or without a terminal none."""
    shown = quiet or not sys.stderr.isatty()

    def notice(name: str) -> None:
        nonlocal shown
        if not shown:
            shown = True
            stderr.print(NOTICE)

    with watch_compilation(notice):
        yield
