"""What ``cdfi evaluate`` writes besides its table, and the table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from ..evaluation import Report
from ..evaluation.plot import need_matplotlib, plot
from ..evaluation.report import flat
from ..evaluation.scoring import Watcher
from ..evaluation.sheet import ContactSheet, Saver
from .console import show, stderr, stdout

STDOUT = Path("-")


@dataclass
class Outputs:
    """The files that were asked for; a text that goes to ``-`` takes the table's place."""

    json: Path | None
    csv: Path | None
    markdown: Path | None
    images: Path | None
    errors: Path | None
    contact_sheet: Path | None
    plot: Path | None
    sheet: ContactSheet = field(default_factory=ContactSheet)

    def watchers(self) -> list[Watcher]:
        """What must see every picture.

        Raises:
            ValueError: A plot is asked for, and matplotlib is not installed.
        """
        if self.plot:
            need_matplotlib()
        watchers: list[Watcher] = [Saver(self.images)] if self.images else []
        watchers += [Saver(self.errors, errors=True)] if self.errors else []
        return [*watchers, self.sheet] if self.contact_sheet else watchers

    def write(self, report: Report) -> None:
        """Write the files, then the table; what was skipped is told in any case."""
        if self.contact_sheet:
            self.sheet.save(self.contact_sheet)
        if self.plot:
            plot(report, self.plot)
        _write(self.json, report.to_json)
        _write(self.csv, report.to_csv)
        _write(self.markdown, report.to_markdown)
        if STDOUT not in (self.json, self.csv, self.markdown):
            _show(report)
        _tell_skipped(report)


def _write(path: Path | None, text: Callable[[], str]) -> None:
    if path == STDOUT:
        stdout.out(text(), end="")
    elif path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")


def _show(report: Report) -> None:
    show(_table(report))
    for key in ("machine", "versions", "precision"):
        if text := flat(report.protocol[key]):
            stdout.print(f"{key}: {text}", style="dim", markup=False)
    if exact := sum(average.exact for average in report.averages()):
        stdout.print(f"{exact} predictions equal their truth; their infinite PSNR is not averaged.")


def _table(report: Report) -> Table:
    table = Table()
    for number, title in enumerate(report.header()):
        table.add_column(title, justify="left" if number < 2 else "right")
    for average in report.averages():
        table.add_row(*report.cells(average))
    return table


def _tell_skipped(report: Report) -> None:
    for gone in report.skipped:
        picture = f"{gone.dataset} {gone.name}, {gone.method}"
        stderr.print(f"skipped {picture}: {gone.reason}", markup=False)
    if report.skipped:
        stderr.print(f"{len(report.skipped)} of {len(report.skipped) + len(report.rows)} skipped")
