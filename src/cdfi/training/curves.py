"""Draw the curves of a run: loss, validation PSNR, learning rate."""

import csv
from pathlib import Path
from typing import Any

from cdfi.common.files import atomic_write
from cdfi.common.plot_files import check_plot_file


def plot_curves(folder: Path, path: Path) -> None:
    """Draw the tables in the folder of a run side by side.

    Args:
        folder: with ``train.csv`` and ``validation.csv``; a missing table leaves its panel empty.
        path: a file of any format that matplotlib writes (``.png``, ``.svg``, ``.pdf``).

    Raises:
        ValueError: as :func:`cdfi.common.plot_files.check_plot_file`, or a file is not a table.
        OSError: the file cannot be written.
    """
    check_plot_file(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    steps, losses = read_column(folder / "train.csv", "loss")
    _draw(left, steps, losses, "loss")
    if losses and min(losses) > 0:  # the loss PSNR is negative
        left.set_yscale("log")
    _draw(middle, *read_column(folder / "validation.csv", "psnr"), "validation PSNR (dB)")
    _draw(right, *read_column(folder / "train.csv", "lr"), "learning rate")
    figure.suptitle(folder.name)
    with atomic_write(path) as beside:
        figure.savefig(beside, dpi=120)


def read_column(path: Path, name: str) -> tuple[list[int], list[float]]:
    """Return the steps and values of one column of a run's table; empty without a table.

    Raises:
        ValueError: the file is not such a table; the message names it.
    """
    if not path.is_file():
        return [], []
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get(name)]
    try:
        return [int(row["step"]) for row in rows], [float(row[name]) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the table of a run: expected numbers by step") from error


def _draw(axes: Any, steps: list[int], values: list[float], label: str) -> None:
    """Draw one panel; few points are marked, as a line of one point is invisible."""
    axes.plot(steps, values, marker="o" if len(steps) <= 30 else None)
    axes.set(xlabel="step", ylabel=label)
    axes.grid(alpha=0.3)
