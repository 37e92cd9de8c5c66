"""The files that ``cdfi evaluate`` writes, and its table."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from cdfi.cli.console import show, stderr, stdout
from cdfi.common.files import write_text
from cdfi.common.plot_files import check_plot_file
from cdfi.evaluation import EvaluationReport
from cdfi.evaluation.reports.contact_sheet import ContactSheet, Saver
from cdfi.evaluation.reports.plot import plot
from cdfi.evaluation.reports.report import one_line
from cdfi.evaluation.scoring import OnScored

STDOUT = Path("-")


@dataclass
class Outputs:
    """The requested files; a text that goes to ``-`` replaces the table."""

    json: Path | None
    csv: Path | None
    markdown: Path | None
    images: Path | None
    errors: Path | None
    contact_sheet: Path | None
    plot: Path | None
    cases: int
    sheet: ContactSheet = field(init=False)

    def __post_init__(self) -> None:
        self.sheet = ContactSheet(self.cases)

    def check(self) -> None:
        """Make sure that everything can be written, before any work.

        Raises:
            ValueError: a plot in a format that matplotlib does not write, or without matplotlib.
            OSError: one of the files cannot be written.
        """
        if self.plot:
            check_plot_file(self.plot)
        for path in (self.json, self.csv, self.markdown, self.contact_sheet, self.plot):
            if path is not None and path != STDOUT:
                _check_writable(path)

    def watchers(self) -> list[OnScored]:
        """Return what is called with every image."""
        return [*self._savers(), self.sheet] if self.contact_sheet else self._savers()

    def savers(self) -> list[OnScored]:
        """Return what is called with every image on other machines.

        Raises:
            ValueError: there is to be a contact sheet, which needs the images on this machine.
        """
        if self.contact_sheet:
            raise ValueError("--contact-sheet needs the images on this machine: leave out --ray")
        return self._savers()

    def _savers(self) -> list[OnScored]:
        savers: list[OnScored] = [Saver(self.images.absolute())] if self.images else []
        return [*savers, Saver(self.errors.absolute(), errors=True)] if self.errors else savers

    def write(self, report: EvaluationReport) -> None:
        """Write the texts first, then the plots, which are more likely to fail."""
        _write(self.json, report.to_json)
        _write(self.csv, report.to_csv)
        _write(self.markdown, report.to_markdown)
        if STDOUT not in (self.json, self.csv, self.markdown):
            _show(report)
        _print_skipped(report)
        if self.contact_sheet:
            self.sheet.save(self.contact_sheet)
        if self.plot:
            plot(report, self.plot)


def _check_writable(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file's name")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path.parent} is not writable: choose another folder")


def _write(path: Path | None, text: Callable[[], str]) -> None:
    if path == STDOUT:
        stdout.out(text(), end="")
    elif path is not None:
        write_text(path, text())


def _show(report: EvaluationReport) -> None:
    show(_table(report))
    for key in ("machine", "versions", "precision"):
        if text := one_line(report.protocol[key]):
            stdout.print(f"{key}: {text}", style="dim", markup=False)
    if exact := sum(average.exact for average in report.averages()):
        stdout.print(f"{exact} predictions equal their truth; their infinite PSNR is not averaged.")


def _table(report: EvaluationReport) -> Table:
    table = Table()
    for number, title in enumerate(report.header()):
        table.add_column(title, justify="left" if number < 2 else "right")
    for average in report.averages():
        table.add_row(*report.cells(average))
    return table


def _print_skipped(report: EvaluationReport) -> None:
    for skipped in report.skipped:
        image = f"{skipped.dataset} {skipped.name}, {skipped.method}"
        stderr.print(f"skipped {image}: {skipped.reason}", markup=False)
    if report.skipped:
        stderr.print(f"{len(report.skipped)} of {len(report.skipped) + len(report.rows)} skipped")
