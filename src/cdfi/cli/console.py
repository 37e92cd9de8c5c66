"""Where the commands write: results to stdout, progress and complaints to stderr."""

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

INTERRUPTED = 130  # exit status after Ctrl-C

# No markup: what is printed names files, and a file may be called "[final] :cat:.mp4".
stdout = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
stderr = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def show(table: Table) -> None:
    """Prints a table at its own width: a narrow terminal wraps it, nothing is cut off."""
    roomy = stdout.options.update(max_width=10_000)
    width = Measurement.get(stdout, roomy, table).maximum
    wide = max(width, stdout.width)
    Console(file=stdout.file, width=wide, highlight=False, markup=False, emoji=False).print(table)


def progress(quiet: bool) -> Progress:
    """A progress bar on stderr; silent with ``quiet`` and where stderr is no terminal.

    A task may carry a field ``note`` (a rate, a file's name), shown after the bar.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=quiet or not sys.stderr.isatty(),
    )
