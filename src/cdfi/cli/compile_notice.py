"""Print once, on a terminal, that kernels are being compiled."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cdfi.cli.console import stderr
from cdfi.common.compilation import watch_compilation

NOTICE = (
    "compiling kernels for this processor: once, 10 to 20 seconds (cdfi warm-up does it in advance)"
)


@contextmanager
def compile_notice(quiet: bool) -> Iterator[None]:
    """Print a notice if the block compiles a kernel, unless ``quiet`` or without a terminal."""
    is_pending = not quiet and sys.stderr.isatty()

    def notice(name: str) -> None:
        nonlocal is_pending
        if is_pending:
            is_pending = False
            stderr.print(NOTICE)

    with watch_compilation(notice):
        yield
