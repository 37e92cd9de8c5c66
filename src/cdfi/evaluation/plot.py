"""A drawing of quality against parameters and against time."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cdfi.evaluation.extras import need
from cdfi.evaluation.report import Average, Report


def need_matplotlib() -> None:
    """Raise ValueError if matplotlib is not installed."""
    need("matplotlib", "a plot", "cdfi[plot]")


def plot(report: Report, path: Path) -> None:
    """Draw the first metric of ``report``: a row of axes for each data set.

    The left one is a scatter over the time of a prediction, the right one a bar for each method
    with its parameters written on it.

    Args:
        path: A file of any format that matplotlib writes (``.png``, ``.svg``, ``.pdf``).

    Raises:
        ValueError: matplotlib is not installed, or does not know the file's ending.
    """
    need_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    averages = report.averages()
    datasets = list(dict.fromkeys(average.dataset for average in averages))
    figure = Figure(figsize=(11, 4 * len(datasets)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(datasets), 2, squeeze=False)
    for pair, dataset in zip(axes, datasets):
        inside = [average for average in averages if average.dataset == dataset]
        _scatter(pair[0], report, inside)
        _bars(pair[1], report, inside)
        for axis in pair:
            axis.set_title(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    figure.savefig(part)
    part.replace(path)


def _scatter(axis: Any, report: Report, averages: list[Average]) -> None:
    metric = report.metrics[0]
    timed = [average for average in averages if average.seconds is not None]
    for average in timed:
        x, y = 1000 * (average.seconds or 0), average.scores[metric.name]
        axis.scatter(x, y)
        axis.annotate(average.method, (x, y), xytext=(4, 4), textcoords="offset points")
    if timed:
        axis.set_xscale("log")
    axis.set_xlabel("ms a frame (median)")
    axis.set_ylabel(metric.title)
    axis.grid(alpha=0.3)


def _bars(axis: Any, report: Report, averages: list[Average]) -> None:
    metric = report.metrics[0]
    count: Callable[[str], int | None] = {m.name: m.parameters for m in report.methods}.get
    values = [average.scores[metric.name] for average in averages]
    bars = axis.barh([average.method for average in averages], values)
    labels = [_label(value, count(a.method)) for a, value in zip(averages, values)]
    axis.bar_label(bars, labels, padding=3)
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        # Differences are small beside the values: start below the lowest bar, not at zero.
        spread = max(max(finite) - min(finite), 0.02 * abs(max(finite)), 1e-6)
        axis.set_xlim(min(finite) - 0.5 * spread, max(finite) + 0.8 * spread)
    axis.set_xlabel(metric.title)


def _label(value: float, parameters: int | None) -> str:
    size = "" if parameters is None else f", {parameters / 1e6:.2f} M"
    return f"{value:.4g}{size}"
