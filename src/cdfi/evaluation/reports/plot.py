"""Plots of quality against time and against parameters."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cdfi.common.extras import need
from cdfi.common.files import atomic_write
from cdfi.evaluation.columns import Metric
from cdfi.evaluation.reports.report import EvaluationReport, MethodAverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def check_plot(path: Path) -> None:
    """Raise ValueError if matplotlib is not installed or cannot write files of this suffix."""
    need("matplotlib", "a plot", "cdfi[plot]")
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        endings = ", ".join(f".{name}" for name in sorted(known))
        raise ValueError(f"{path}: unknown image format; expected one of {endings}")


def plot(report: EvaluationReport, path: Path) -> None:
    """Draw the first metric of ``report``: a pair of axes for each data set.

    A method without a network, or without a time, is a dashed line across.

    Args:
        report: the report.
        path: a file of any format that matplotlib writes (``.png``, ``.svg``, ``.pdf``).

    Raises:
        ValueError: matplotlib is not installed, or cannot write files of this suffix.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    averages = [average for average in report.averages() if average.images]
    datasets = list(dict.fromkeys(average.dataset for average in averages))
    parameters = {method.name: method.parameters for method in report.methods}
    figure = Figure(figsize=(11, 4 * max(1, len(datasets))), layout="constrained")
    axes = figure.subplots(max(1, len(datasets)), 2, squeeze=False)
    for (left, right), dataset in zip(axes, datasets):
        inside = [average for average in averages if average.dataset == dataset]
        milliseconds = [a.seconds and 1000 * a.seconds for a in inside]
        _draw(left, report.metrics[0], inside, milliseconds)
        _draw(right, report.metrics[0], inside, [parameters[a.method] for a in inside])
        left.set(title=dataset, xlabel="milliseconds a frame (median)")
        right.set(title=dataset, xlabel="parameters")
    with atomic_write(path) as beside:
        figure.savefig(beside)


def _draw(
    axes: "Axes", metric: Metric, averages: Sequence[MethodAverage], costs: Sequence[float | None]
) -> None:
    """Draw one panel: the metric over the costs, on a logarithmic axis."""
    axes.set_ylabel(metric.title)
    axes.grid(alpha=0.3)
    axes.margins(x=0.3)
    for number, (average, cost) in enumerate(zip(averages, costs)):
        score, colour = average.scores[metric.name], f"C{number}"
        if not math.isfinite(score):
            continue
        if cost is None:
            axes.axhline(score, linestyle="--", linewidth=1, color=colour, label=average.method)
        else:
            axes.semilogx(cost, score, "o", color=colour, label=average.method)
    if averages:
        axes.legend(fontsize="small")
