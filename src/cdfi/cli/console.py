"""Output of the commands: results to stdout, progress and errors to stderr.

rich is imported at the first output that needs it, because errors should appear quickly.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

from cdfi.common.progress import Progress as ProgressCallback
from cdfi.training.callback import Callback

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


class _LazyConsole:
    """A rich console that is created at its first use."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    @functools.cached_property
    def console(self) -> Console:
        """The console, without markup: a file may be called "[final] :cat:.mp4"."""
        from rich.console import Console

        return Console(soft_wrap=True, highlight=False, markup=False, emoji=False, **self._options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.console, name)

    def print(self, *values: Any, **options: Any) -> None:
        """Print plain text without rich, if nothing else has needed it yet."""
        plain = all(isinstance(value, str) for value in values) and not options.get("style")
        if plain and "console" not in vars(self):
            file = sys.stderr if self._options.get("stderr") else sys.stdout
            file.write(" ".join(values) + "\n")
        else:
            self.console.print(*values, **options)


stdout: Console = _LazyConsole()  # type: ignore[assignment]
stderr: Console = _LazyConsole(stderr=True)  # type: ignore[assignment]


def print_error(text: str) -> None:
    """Print one line on stderr, in red on a terminal."""
    red = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    sys.stderr.write(f"\x1b[31m{text}\x1b[0m\n" if red else f"{text}\n")


def show(table: Table) -> None:
    """Print a table at its own width: a narrow terminal wraps it, nothing is cut off."""
    from rich.console import Console
    from rich.measure import Measurement

    unlimited = stdout.options.update(max_width=10_000)
    needed = Measurement.get(stdout, unlimited, table).maximum
    width = max(needed, stdout.width)
    Console(file=stdout.file, width=width, highlight=False, markup=False, emoji=False).print(table)


def progress(quiet: bool) -> Progress:
    """Return a progress bar on stderr; it is silent with ``quiet`` or without a terminal.

    A task has a field ``note`` (a rate, a file's name), shown after the bar.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr.console,  # type: ignore[attr-defined]
        disable=quiet or not sys.stderr.isatty(),
    )


def progress_row(bar: Progress, name: str) -> ProgressCallback:
    """Add a row to a progress bar; return the callback that updates it."""
    row = bar.add_task(name, total=None, note="")
    return lambda done, total: bar.update(row, completed=done, total=total)


class Bar(Callback):
    """A progress bar on stderr for a long run of several stages, as a context.

    It shows steps, notes and messages; with ``quiet`` it shows nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._bar = progress(quiet)
        self._quiet = quiet
        self._task = self._bar.add_task("starting", total=None, note="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
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
