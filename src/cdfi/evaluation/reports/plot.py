"""Plots of quality against time and parameters, and of the images of a single method."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from cdfi.common.files import atomic_write
from cdfi.common.plot_files import check_plot_file
from cdfi.evaluation.columns import Metric
from cdfi.evaluation.reports.report import EvaluationReport, MethodAverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


WORST = 10  # images that are named


def plot(report: EvaluationReport, path: Path) -> None:
    """Draw the first metric of ``report``: a pair of axes for each data set.

    Several methods are drawn over their time and their parameters; one without a network, or
    without a time, is a dashed line across. A single method is drawn by its images: all of them
    sorted by their score, and the worst of them with their names.

    Args:
        report: the report.
        path: a file of any format that matplotlib writes (``.png``, ``.svg``, ``.pdf``).

    Raises:
        ValueError: matplotlib is not installed, or cannot write files of this suffix.
    """
    check_plot_file(path)
    from matplotlib.figure import Figure

    averages = [average for average in report.averages() if average.images]
    datasets = list(dict.fromkeys(average.dataset for average in averages))
    parameters = {method.name: method.parameters for method in report.methods}
    figure = Figure(figsize=(11, 4 * max(1, len(datasets))), layout="constrained")
    axes = figure.subplots(max(1, len(datasets)), 2, squeeze=False)
    for (left, right), dataset in zip(axes, datasets):
        left.set_title(dataset)
        right.set_title(dataset)
        if len(report.methods) == 1:
            _draw_images(left, right, report.metrics[0], _scores(report, dataset))
            continue
        inside = [average for average in averages if average.dataset == dataset]
        milliseconds = [a.seconds and 1000 * a.seconds for a in inside]
        _draw(left, report.metrics[0], inside, milliseconds)
        _draw(right, report.metrics[0], inside, [parameters[a.method] for a in inside])
        left.set(xlabel="milliseconds a frame (median)")
        right.set(xlabel="parameters")
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


def _scores(report: EvaluationReport, dataset: str) -> list[tuple[float, str]]:
    """Return score and name of each image of a data set, the worst first."""
    metric = report.metrics[0]
    rows = [(row.scores[metric.name], row.name) for row in report.rows if row.dataset == dataset]
    finite = [row for row in rows if math.isfinite(row[0])]
    return sorted(finite, reverse=not metric.higher)


def _draw_images(
    left: "Axes", right: "Axes", metric: Metric, scores: Sequence[tuple[float, str]]
) -> None:
    """Draw all images sorted by their score with the mean, and the worst ones by name."""
    values = [score for score, _ in scores]
    left.plot([100 * (n + 0.5) / len(values) for n in range(len(values))], values, ".-")
    left.set(xlabel="images, sorted (percent)", ylabel=metric.title)
    left.grid(alpha=0.3)
    worst = scores[:WORST][::-1]
    right.barh([name for _, name in worst], [score for score, _ in worst])
    right.set(xlabel=f"{metric.title} of the worst images")
    if values:
        mean = fmean(values)
        left.axhline(mean, linestyle="--", linewidth=1, label=f"mean {mean:.4g}")
        left.legend(fontsize="small")
        right.axvline(mean, linestyle="--", linewidth=1)
