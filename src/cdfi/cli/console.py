"""Where the commands write: results to stdout, progress and complaints to stderr."""

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


class Bar(Callback):
    """A long run of several stages as a progress bar on stderr.

    Shows steps, notes and lines while it is entered; silent with ``quiet``.
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
        """Videos decoded so far."""
        self._bar.update(self._task, description="decoding", completed=done, total=total)

    def on_step(self, step: int, steps: int) -> None:
        """A step was taken."""
        self._bar.update(self._task, description="training", completed=step, total=steps)

    def on_log(self, note: str) -> None:
        """How fast and how well it goes."""
        self._bar.update(self._task, note=note)

    def on_message(self, text: str) -> None:
        """A line of its own."""
        if not self._quiet:
            stderr.print(text, markup=False)
