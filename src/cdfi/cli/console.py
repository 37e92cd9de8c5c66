"""Output of the commands: results to stdout, progress and errors to stderr."""

import sys
from types import TracebackType

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

from cdfi.training.callback import Callback

INTERRUPTED = 130  # exit status after Ctrl-C

# No markup: what is printed names files, and a file may be called "[final] :cat:.mp4".
stdout = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
stderr = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def show(table: Table) -> None:
    """Print a table at its own width: a narrow terminal wraps it, nothing is cut off."""
    unlimited = stdout.options.update(max_width=10_000)
    needed = Measurement.get(stdout, unlimited, table).maximum
    width = max(needed, stdout.width)
    Console(file=stdout.file, width=width, highlight=False, markup=False, emoji=False).print(table)


def progress(quiet: bool) -> Progress:
    """Return a progress bar on stderr; it is silent with ``quiet`` or without a terminal.

    A task has a field ``note`` (a rate, a file's name), shown after the bar.
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


class Bar(Callback):
    """A progress bar on stderr for a long run of several stages, as a context.

    It shows steps, notes and messages; with ``quiet`` it shows nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._bar = progress(quiet)
        self._quiet = quiet
        self._task = self._bar.add_task("starting", total=None, note="")

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def on_decode(self, done: int, total: int | None) -> None:
        """Show the videos decoded so far."""
        self._bar.update(self._task, description="decoding", completed=done, total=total)

    def on_step(self, step: int, steps: int) -> None:
        """Show the step."""
        self._bar.update(self._task, description="training", completed=step, total=steps)

    def on_log(self, note: str) -> None:
        """Show loss and speed."""
        self._bar.update(self._task, note=note)

    def on_message(self, text: str) -> None:
        """Print a message on a line of its own."""
        if not self._quiet:
            stderr.print(text, markup=False)
