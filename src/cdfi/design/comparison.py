"""Compare networks: cost and quality side by side."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from cdfi import weights
from cdfi.common.files import write_text
from cdfi.common.rounding import quantize
from cdfi.compression.density import density, overall
from cdfi.evaluation import EvaluationReport, Scorer, find_dataset, network_method
from cdfi.evaluation.columns import Metric, choose_metrics
from cdfi.evaluation.cost import Cost, CostTask, measure
from cdfi.evaluation.reports.protocol import protocol
from cdfi.interpolation import Interpolator
from cdfi.models import AnyNetwork, Architecture

METRICS = ("psnr", "ssim", "lpips")
HELD_OUT = "held-out"


class ComparedNetwork(NamedTuple):
    """One network of a comparison.

    Attributes:
        name: title of the row.
        parameters: their number.
        density: of the layers, in [0, 1].
        flops: operations of one frame at the measured size, warps included.
        milliseconds: median time of one frame.
        megabytes: peak memory of a process that does nothing else; NaN if unknown.
        scores: mean by metric, by data set.
    """

    name: str
    parameters: int
    density: float
    flops: int
    milliseconds: float
    megabytes: float
    scores: dict[str, dict[str, float]]


def compare(
    networks: Mapping[str, str | Path],
    held_out: np.ndarray | None,
    datasets: Sequence[str],
    size: tuple[int, int],
    folder: Path,
) -> list[ComparedNetwork]:
    """Measure every network, and write report.json and report.md into ``folder``.

    Args:
        networks: their titles, and their names or files.
        held_out: triplets, uint8 (M, 3, H, W, 3), that were not trained on.
        datasets: further data sets to score, by name or folder.
        size: width and height at which time, memory and operations are measured.
        folder: of the report.

    Raises:
        ValueError: a data set or a model that does not exist.
    """
    costs: dict[Architecture, Cost] = {}  # one for each architecture: the weights do not change it
    entries = []
    for name, at in networks.items():
        loaded = weights.load(at)
        if loaded.config not in costs:
            task = CostTask(str(at), *size, "fp32", "cpu", runs=3, warm_up=1)
            costs[loaded.config] = measure(task)
        scores = _scores_of(loaded, held_out, datasets)
        entries.append(_entry(name, loaded, costs[loaded.config], scores))
    rows = [entry._asdict() for entry in entries]
    write_text(folder / "report.json", json.dumps(rows, indent=2) + "\n")
    write_text(folder / "report.md", as_markdown(entries, size))
    return entries


def as_markdown(entries: Sequence[ComparedNetwork], size: tuple[int, int]) -> str:
    """Return the report as a Markdown table."""
    sets = list(entries[0].scores)
    titles = [f"{name} PSNR / SSIM / LPIPS" for name in sets]
    costs = ["Parameters", "Density", "GFLOPs", "Time", "Memory"]
    lines = ["| Network | " + " | ".join([*costs, *titles]) + " |", "|---" * (6 + len(sets)) + "|"]
    for entry in entries:
        cells = [
            f"{entry.parameters:,}",
            f"{entry.density:.3f}",
            f"{entry.flops / 1e9:.1f}",
            f"{entry.milliseconds:.0f} ms",
            "" if math.isnan(entry.megabytes) else f"{entry.megabytes:.0f} MB",
            *(_scores(entry.scores[name]) for name in sets),
        ]
        lines.append(f"| {entry.name} | " + " | ".join(cells) + " |")
    note = f"Time, memory and operations: one frame of {size[0]} x {size[1]}."
    return "\n".join(lines) + f"\n\n{note}\n"


def _scores(means: Mapping[str, float]) -> str:
    return f"{means['psnr']:.3f} / {means['ssim']:.4f} / {means['lpips']:.4f}"


def _entry(
    name: str, loaded: AnyNetwork, cost: Cost, scores: dict[str, dict[str, float]]
) -> ComparedNetwork:
    megabytes = math.nan if cost.peak_bytes is None else cost.peak_bytes / 1e6
    dense = overall(density(loaded))
    return ComparedNetwork(
        name, cost.parameters, dense, cost.flops, cost.seconds * 1e3, megabytes, scores
    )


def _scores_of(
    loaded: AnyNetwork, held_out: np.ndarray | None, datasets: Sequence[str]
) -> dict[str, dict[str, float]]:
    interpolator = Interpolator(loaded, precision="fp32")
    metrics = choose_metrics(METRICS)
    scores = {} if held_out is None else {HELD_OUT: _held_out(interpolator, held_out, metrics)}
    return scores | {name: _dataset(interpolator, name, metrics) for name in datasets}


@torch.no_grad()
def _held_out(
    interpolator: Interpolator, triplets: np.ndarray, metrics: Sequence[Metric]
) -> dict[str, float]:
    """Return the means over triplets, of predictions rounded to 8 bits."""
    sums = dict.fromkeys((metric.name for metric in metrics), 0.0)
    for frames in torch.from_numpy(np.ascontiguousarray(triplets)).permute(0, 1, 4, 2, 3):
        frame0, truth, frame1 = (frames / 255).split(1)
        middle = interpolator(frame0, frame1).cpu()
        for metric in metrics:
            sums[metric.name] += metric.function(quantize(middle), truth).item() / len(triplets)
    return sums


def _dataset(interpolator: Interpolator, name: str, metrics: Sequence[Metric]) -> dict[str, float]:
    method = network_method("network", interpolator)
    report = EvaluationReport(metrics, [method], protocol([method], metrics, torch.device("cpu")))
    for row in Scorer(metrics).run(method, find_dataset(name)):
        report.add(row)
    return report.averages()[0].scores
