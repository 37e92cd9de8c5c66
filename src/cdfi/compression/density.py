"""Density: how much of every layer a sparse training run kept."""

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import nn

from .layers import layers

COLUMNS = ("Name", "Density", "In", "Out", "In'", "Out'", "Parameters", "Kept")


class Density(NamedTuple):
    """One layer: how dense its weights are, and the widths this asks for."""

    name: str
    density: float  # non-zero weights / weights, in [0, 1]
    channels_in: int
    channels_out: int
    wanted_in: int  # floor(sqrt(density) * channels_in)
    wanted_out: int
    parameters: int  # weights and biases
    kept: int  # the non-zero ones


def density(model: nn.Module) -> list[Density]:
    """A row for every convolution, transposed convolution and linear layer of ``model``.

    Density and widths are those of the weight alone, as published (CDFI, section 3.1); layers
    without a weight matrix are left out. A layer of density d keeps about d of its weights where
    both its sides shrink by sqrt(d).

    Raises:
        ValueError: two layers share a weight, or a weight holds NaN or infinity.
    """
    rows = []
    for layer in layers(model):
        weights, bias = layer.weight, layer.module.bias
        kept = int(weights.count_nonzero())
        dense = kept / weights.numel()
        widths = [scaled(dense, side) for side in (layer.channels_in, layer.channels_out)]
        biases = () if bias is None else (bias,)
        rows.append(
            Density(
                layer.name,
                dense,
                layer.channels_in,
                layer.channels_out,
                *widths,
                weights.numel() + sum(b.numel() for b in biases),
                kept + sum(int(b.count_nonzero()) for b in biases),
            )
        )
    return rows


def scaled(dense: float, width: int) -> int:
    """The width a density asks for: ``floor(sqrt(density) * width)``."""
    return math.floor(math.sqrt(dense) * width)


def overall(rows: Sequence[Density]) -> float:
    """Non-zero parameters / parameters over all rows, in [0, 1]."""
    return sum(row.kept for row in rows) / max(1, sum(row.parameters for row in rows))


def as_table(rows: Sequence[Density]) -> str:
    """The published table: a line for every layer, and one for all of them."""
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
    """A JSON list with an object for every layer."""
    return json.dumps([row._asdict() for row in rows], indent=2)


def as_csv(rows: Sequence[Density]) -> str:
    """Comma-separated values under the published column names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return text.getvalue()


def from_json(text: str) -> list[Density]:
    """The rows that :func:`as_json` wrote.

    Raises:
        ValueError: ``text`` is something else.
    """
    try:
        return [Density(**row) for row in json.loads(text)]
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"these are not the densities `cdfi density` writes: {error}") from error


def plot(rows: Sequence[Density], path: Path) -> None:
    """Draw a bar for every layer into ``path`` (its suffix says the format).

    Raises:
        ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError("a plot needs matplotlib: pip install 'cdfi[plot]'") from error
    figure = Figure(figsize=(max(6.0, 0.2 * len(rows)), 4.5), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(rows)), [row.density for row in rows], color="#3b6ea5")
    axes.axhline(overall(rows), color="#b5483a", linestyle="--", label="overall")
    axes.set_xticks(range(len(rows)), [row.name for row in rows], rotation=90, fontsize=6)
    axes.set(ylabel="density", ylim=(0, 1), xlim=(-0.7, len(rows) - 0.3))
    axes.legend()
    figure.savefig(path, dpi=150)
