"""Densities as a table, JSON, CSV or a plot."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cdfi.common.extras import need
from cdfi.common.files import atomic_write
from cdfi.compression.density import Density, overall

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("Name", "Density", "In", "Out", "In'", "Out'", "Parameters", "Kept")


def as_table(rows: Sequence[Density]) -> str:
    """Return the table as published: a line for every layer, and one for all of them."""
    width = max([len(row.name) for row in rows] + [7])
    lines = [
        f"{'Name':>{width}}  Density    In   Out   In'  Out'  Parameters        Kept",
        *(f"{row.name:>{width}}  {_numbers(row)}" for row in rows),
        f"{'overall':>{width}}  {overall(rows):7.3f}  {'':22}"
        f"{sum(row.parameters for row in rows):10,}  {sum(row.kept for row in rows):10,}",
    ]
    return "\n".join(lines)


def _numbers(row: Density) -> str:
    widths = (row.channels_in, row.channels_out, row.wanted_in, row.wanted_out)
    four = " ".join(f"{width:5}" for width in widths)
    return f"{row.density:7.3f} {four}  {row.parameters:10,}  {row.kept:10,}"


def as_json(rows: Sequence[Density]) -> str:
    """Return a JSON list with an object for every layer."""
    return json.dumps([row._asdict() for row in rows], indent=2)


def as_csv(rows: Sequence[Density]) -> str:
    """Return comma-separated values under the published column names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return text.getvalue()


def from_json(text: str) -> list[Density]:
    """Return the rows that :func:`as_json` wrote.

    Raises:
        ValueError: ``text`` is something else.
    """
    try:
        return [Density(**row) for row in json.loads(text)]
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"not the output of `cdfi density --json`: {error}") from error


def read_densities(path: Path) -> list[Density]:
    """Return the rows in a JSON file.

    Raises:
        ValueError: the file holds something else; the message names it.
        OSError: it cannot be read.
    """
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def plot(rows: Sequence[Density], path: Path) -> None:
    """Draw a bar for every layer to ``path``, in the format of its suffix.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = _figure((max(6.0, 0.2 * len(rows)), 4.5))
    axes = figure.subplots()
    axes.bar(range(len(rows)), [row.density for row in rows], color="#3b6ea5")
    axes.axhline(overall(rows), color="#b5483a", linestyle="--", label="overall")
    axes.set_xticks(range(len(rows)), [row.name for row in rows], rotation=90, fontsize=6)
    axes.set(ylabel="density", ylim=(0, 1), xlim=(-0.7, len(rows) - 0.3))
    axes.legend()
    with atomic_write(path) as beside:
        figure.savefig(beside, dpi=150)


def plot_search(points: Mapping[float, tuple[float, float]], target: float, path: Path) -> None:
    """Draw quality against density for every penalty of a search.

    Args:
        points: penalty -> density and PSNR in dB.
        target: the density to reach.
        path: the file, in the format of its suffix.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = _figure((6.0, 4.0))
    axes = figure.subplots()
    order = sorted(points.values())
    axes.plot([x for x, _ in order], [y for _, y in order], "o-", color="#3b6ea5")
    for number, (dense, quality) in points.items():
        axes.annotate(f" {number:g}", (dense, quality))
    axes.axvline(target, color="#b5483a", linestyle="--")
    axes.set(xlabel="density", ylabel="held-out PSNR (dB)")
    with atomic_write(path) as beside:
        figure.savefig(beside, dpi=150)


def _figure(size: tuple[float, float]) -> "Figure":
    module = need("matplotlib.figure", "a plot", "cdfi[plot]")
    figure: Figure = module.Figure(figsize=size, layout="constrained")
    return figure
